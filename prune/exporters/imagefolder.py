"""Class folders of image files: copied or linked from an image folder, written out from any other dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prune.arrays import Rows
from prune.errors import OptionError
from prune.exporters import class_ids
from prune.exporters.class_ids import ClassFolder, Empty
from prune.exporters.folder import Folder
from prune.exporters.job import Job
from prune.exporters.names import file_names
from prune.exporters.place import DOT, beside
from prune.images import suffix_of

FILES = 4096  # in a part
_PLACEHOLDER = ".keep"  # keeps an empty folder where only files travel


def imagefolder(
    job: Job,
    folder: Folder,
    /,
    *,
    link: Literal["copy", "hard", "sym"] = "copy",
    empty_classes: Literal["stop", "keep", "drop"] = "stop",
) -> None:
    """Class folders of image files, the bytes as they are; unlabelled images lie at the top.

    From an image folder, paths stay as they are. From others they are `class/name.suffix`, where the suffix
    says what the bytes are, and a class or key that no file system takes is changed: `a/b` to `a_b`. Readers
    number class folders by their sorted names: where these would come in another order than the ids of the
    source, the folders are called `00`, `01` … or `00_name`. What describes the export lies beside it, in
    `OUT.prune/`, with `classes.csv`: folder, class, id and samples.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.
    link
        `hard` and `sym` link to the files of an image folder instead of copying them.
    empty_classes
        A class that keeps nothing would move the ids of those after it: `stop` says so, `keep` makes an empty
        folder (`ImageFolder(…, allow_empty=True)`), `drop` leaves it out.

    Raises
    ------
    OptionError
        Links are asked for, but the samples are not files; or a class keeps nothing.
    """
    if link != "copy" and job.reader.format != "imagefolder":
        raise OptionError(f"link={link} needs an image folder, this is {job.reader.format}", "--link copy")
    if link == "copy":
        folder.need(job.size())
    classes = class_ids.class_folders(job, empty_classes)
    names = _names(job, classes)
    _describe(job, folder, classes, empty_classes)
    with job.reporter.stage("export", len(job)) as advance:
        for number, rows in job.chunks(FILES):
            if not folder.done(f"files-{number:06d}"):
                stems = names and names[number * FILES :][: len(rows)]
                _write(job, folder, f"files-{number:06d}", rows, stems, link)
            advance(len(rows))


def _names(job: Job, classes: list[ClassFolder]) -> list[str] | None:
    """Return paths without suffix, aligned with the rows, or None where the key is the path."""
    if class_ids.is_class_root(job):
        return None
    place = {found.row: found.name for found in classes}
    folders = ["" if label < 0 else place[label] for label in job.dataset.labels[job.rows].tolist()]
    return file_names(job.column("key").to_pylist(), folders, job.rows.tolist())


def _describe(job: Job, folder: Folder, classes: list[ClassFolder], empty: Empty) -> None:
    """Write which folder is which class, and what keeps an empty one; say what is not as in the source."""
    if not classes:
        return
    bare = [found.name for found in classes if not found.samples]
    if bare:
        job.reporter.say(
            f"{len(bare)} class folders are empty: read them with ImageFolder(…, allow_empty=True); timm and"
            " datasets pass over them and number the others anew"
        )
    _say_names(job, classes, empty, beside(folder.out) / "classes.csv")
    if not folder.done("classes"):
        with folder.part("classes") as part:
            part.write(f"{DOT}/classes.csv", class_ids.described(classes, job.dataset.classes))
            for name in bare:
                part.write(f"{name}/{_PLACEHOLDER}", b"")


def _say_names(job: Job, classes: list[ClassFolder], empty: Empty, listed: Path) -> None:
    named = [(found.name, job.dataset.classes[found.row]) for found in classes if found.row is not None]
    new = next(((name, old) for name, old in named if name != old), None)
    if new:
        job.reporter.say(
            f"class folders are called {new[0]!r} for {new[1]!r} and so on: sorted, they have the ids of the"
            f" source; all of them are in {listed}"
        )
    ids = [found.id for found in classes]
    if empty == "drop" and not class_ids.counts_up(ids):
        job.reporter.say(
            "class ids are not those of the source, because classes are left out: see OUT.prune/classes.csv"
        )


def _write(
    job: Job,
    folder: Folder,
    name: str,
    rows: Rows,
    names: list[str] | None,
    link: Literal["copy", "hard", "sym"],
) -> None:
    keys = job.samples(rows)["key"].to_pylist()
    images = job.images(rows)
    with folder.part(name) as part, job.steady(rows):
        for key, stem in zip(keys, names or keys, strict=True):
            if link == "copy":
                data = next(images)
                part.write(key if names is None else f"{stem}.{suffix_of(data)}", data)
            else:
                place = job.reader.root.resolve() / key
                part.link(key, place, lambda: next(images), symbolic=link == "sym")
