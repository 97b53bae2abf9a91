"""The whole chain on 1,797 handwritten digits of 8 × 8 pixels, which lie beside this file.

They are those that scikit-learn has too: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
Digits", UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from prune import pipeline
from prune.core.column_name import ColumnName
from prune.core.safe_text import duration, number
from prune.steps.settings import Settings
from prune.store import Store, read_selection
from prune.system import files

_DIGITS = Path(__file__).with_name("digits.npz")


def run(out: Path, store_path: Path, settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Make the dataset, score it, keep 30 %, export that; return the results and the lines to show."""
    data, store = out / "digits", Store(store_path)
    write_digits(data)
    training = {"epochs": 5, "size": 8, "flip": False}  # small images; a mirrored 2 is not a 2
    scored = pipeline.score(store, str(data), types=["el2n", "aum"], training=training, settings=settings)
    chosen = pipeline.select(store, method="kcenter", fraction="0.3", settings=settings)
    exported = pipeline.export(store, format="webdataset", out=out / "smaller", settings=settings)
    took = (scored["seconds"], chosen["seconds"]["select"], exported["seconds"])
    first, second, third = (duration(seconds["total"]) for seconds in took)
    lines = [
        f"prune score --type el2n,aum {data}   # {first}",
        f"prune select --method kcenter --fraction 0.3   # {second}",
        f"prune export --format webdataset --out {out / 'smaller'}   # {third}",
        "",
        *_table(store),
        "",
        f"kept {number(chosen['k'])} of {number(chosen['n'])}; the smaller dataset is in {out / 'smaller'}, "
        f"why each sample was kept or not in {store.path / 'selections' / chosen['name']}",
    ]
    return {"score": scored, "select": chosen, "export": exported}, lines


def write_digits(folder: Path) -> None:
    """Write the digits as a folder of PNG files, one class a folder; a folder that is there stays."""
    from PIL import Image

    if folder.is_dir() and any(folder.iterdir()):
        return
    partial = folder.with_name(f".{folder.name}.partial")
    for label in range(10):
        files.make_folder(partial / str(label))
    with np.load(_DIGITS, allow_pickle=False) as digits:
        images, labels = digits["images"], digits["labels"]  # uint8, from 0 to 16; 0 to 9
    for row, (pixels, label) in enumerate(zip(images, labels, strict=True)):
        sink = io.BytesIO()
        Image.fromarray(np.round(pixels * (255 / 16)).astype(np.uint8)).save(sink, "png")
        files.write_unsynced(partial / str(label) / f"{row:04d}.png", sink.getvalue())
    files.sync_file_system(partial)
    with files.writing(folder):
        files.disk.rename(partial, folder)
        files.sync_folder(folder.parent)


def _table(store: Store) -> list[str]:
    chosen = read_selection(store).manifest
    labels, selected = chosen["label"].to_numpy(), chosen["selected"].to_numpy()
    el2n = chosen[ColumnName.score("el2n")].to_numpy()
    lines = [f"{'class':<8}{'samples':>9}{'kept':>7}{'share':>8}{'el2n kept':>12}{'el2n dropped':>14}"]
    for label in np.unique(labels):
        of = labels == label
        kept, dropped = of & selected, of & ~selected
        lines.append(
            f"{label!s:<8}{of.sum():>9}{kept.sum():>7}{kept.sum() / of.sum():>8.0%}"
            f"{el2n[kept].mean():>12.3f}{el2n[dropped].mean():>14.3f}"
        )
    return lines
