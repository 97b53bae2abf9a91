"""Remarks after a scan, on folders that are read as classes and on metadata that names none."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prune.readers.folders.folder_glance import FolderGlance
from prune.readers.folders.layout import PictureFolder, describes_labels
from prune.readers.folders.metadata import Metadata, files_in
from prune.readers.folders.parts import deeper
from prune.readers.labels.names import is_label, likely


def remarks_on(data: Path, place: PictureFolder, notes: Sequence[Path], split: str | None) -> tuple[str, ...]:
    """Say where the folders of a root may be no classes, or not all of them, and which labels are not read.

    Parameters
    ----------
    data
        The folder that was named.
    place
        Where the pictures lie, in it.
    notes
        Folders of annotations beside them.
    split
        The folder that was chosen in the one that they lie beside.
    """
    if describes_labels(place.root):
        return ()
    above = next(_labels_above(data, place.root), None)
    if above is not None:
        return (f"{above} lies above the pictures, and is not read: --labels {shlex.quote(str(above))}",)
    folder = FolderGlance(place.path)
    annotations = _annotated_alike(folder, notes, split)
    if annotations is not None:
        return (
            f"the folders of {folder.path} are read as classes, and {annotations}/ annotates their pictures "
            "in folders of the same names: --no-labels, if they are none",
        )
    below = deeper(folder)
    if below:
        return (
            f"the folders of {folder.path} are the classes, and further ones in them are not told apart: "
            f"{', '.join(below)}, …",
        )
    return ()


def _labels_above(data: Path, root: Path) -> Iterator[Path]:
    """Yield the metadata with labels in the folders from the one that was named down to that of a root."""
    folders = [folder for folder in (root, *root.parents) if folder.is_relative_to(data) and folder != root]
    for folder in reversed(folders):
        for name in files_in(folder, [""]):
            if Metadata(folder, name).label_column:
                yield folder / name


def _annotated_alike(folder: FolderGlance, notes: Sequence[Path], split: str | None) -> str | None:
    """Return the folder of annotations that holds the very folders in which the pictures lie, if one does.

    `gtFine/train/ulm` beside `leftImg8bit/train/ulm`: then the folders need not be classes.
    """
    names = set(folder.data_folders)
    for place in notes if names else ():
        beside = place / (split or "")
        if beside.is_dir() and names <= set(FolderGlance(beside).data_folders):
            return place.name
    return None


def remarks_of(files: Iterable[Metadata]) -> list[str]:
    """Say of metadata which columns are no labels though they are called so, and which could be labels."""
    return [said for file in files if (said := _remark_of(file))]


def _remark_of(file: Metadata) -> str | None:
    taken = file.label_column
    if taken is None and file.unfit:
        return f"no class labels of {file.name}: {file.unfit}"
    others = [name for name in likely(file.columns) if name != taken and file.holds_classes(name)]
    if taken is not None:
        others = [name for name in others if is_label(name)]
    elif file.names_folders:
        return None  # those are the classes
    if not others:
        return None
    choice = f"--labels {shlex.quote(str(file.root / file.name))} --label-field {shlex.quote(others[0])}"
    if taken is not None:
        return f"labels are those of column {taken} of {file.name}; for others: {choice}"
    listed = ", ".join(others[:_SHOWN])
    return f"no column of {file.name} is called like a label; there are {listed}: {choice}"


_SHOWN = 6
