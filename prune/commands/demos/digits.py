"""The whole chain on 1,797 handwritten digits of 8 × 8 pixels, which lie beside this file.

They are those that scikit-learn has too: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten
Digits", UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from prune import pipeline
from prune.commands.evaluate_report import table_lines
from prune.core.column_name import ColumnName
from prune.core.safe_text import duration, number
from prune.steps.settings import Settings
from prune.store import Store, read_selection
from prune.system import files

_DIGITS = Path(__file__).with_name("digits.npz")


_HELD_OUT = "0.2"  # of each class, to test on
_SEEDS, _STEPS = 3, 60  # of each set that is compared: seconds, for digits


def run(out: Path, store_path: Path, settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Make the dataset, score it, keep 30 %, export that, and compare it with random; and write a page.

    Returns
    -------
    tuple
        The result of each verb by its name, and the lines to show.
    """
    data, store = out / "digits", Store(store_path)
    write_digits(data)
    training = {"epochs": 5, "size": 8, "flip": False}  # small images; a mirrored 2 is not a 2
    reading = replace(settings, reading={**settings.reading, "holdout": _HELD_OUT})
    scored = pipeline.score(store, str(data), types=["el2n", "aum"], training=training, settings=reading)
    chosen = pipeline.select(store, method="kcenter", fraction="0.3", settings=settings)
    exported = pipeline.export(store, format="webdataset", out=out / "smaller", settings=settings)
    compared = pipeline.evaluate(store, select=["kcenter"], seeds=_SEEDS, steps=_STEPS, settings=settings)
    page = pipeline.report(store, out=out / "report.html", settings=settings)
    images, smaller, report = (quote(str(place)) for place in (data, out / "smaller", out / "report.html"))
    there = f"--store {quote(str(store.path))}"
    against = f"--select kcenter --seeds {_SEEDS} --steps {_STEPS}"
    how = f"--holdout {_HELD_OUT} --proxy-size 8 --epochs 5 --no-flip"
    lines = [
        f"prune score {there} --type el2n,aum {how} {images}   # {_took(scored['seconds'])}",
        f"prune select {there} --method kcenter --fraction 0.3   # {_took(chosen['seconds']['select'])}",
        f"prune export {there} --format webdataset --out {smaller}   # {_took(exported['seconds'])}",
        f"prune evaluate {there} {against}   # {_took(compared['seconds'])}",
        f"prune report {there} --out {report}   # {_took(page['seconds'])}",
        "",
        *_table(store),
        "",
        *table_lines(compared),
        "",
        f"kept {number(chosen['k'])} of {number(compared['usable'])}; the smaller dataset is in {smaller}, "
        f"a page to look at is {report}",
    ]
    found = {"score": scored, "select": chosen, "export": exported, "evaluate": compared, "report": page}
    return found, lines


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


def _took(seconds: dict[str, float]) -> str:
    return duration(seconds["total"])


def _table(store: Store) -> list[str]:
    chosen = read_selection(store).manifest
    el2n = chosen[ColumnName.score("el2n")].to_numpy()
    labels, selected, scored = chosen["label"].to_numpy(), chosen["selected"].to_numpy(), np.isfinite(el2n)
    lines = [f"{'class':<8}{'samples':>9}{'kept':>7}{'share':>8}{'el2n kept':>12}{'el2n dropped':>14}"]
    for label in np.unique(labels):
        of = (labels == label) & scored  # not what is held out
        kept, dropped = of & selected, of & ~selected
        lines.append(
            f"{label!s:<8}{of.sum():>9}{kept.sum():>7}{kept.sum() / of.sum():>8.0%}"
            f"{el2n[kept].mean():>12.3f}{el2n[dropped].mean():>14.3f}"
        )
    return lines
