"""Class folders of image files: copied or linked from an image folder, written out from any other dataset."""

from __future__ import annotations

from typing import Literal

from prune.arrays import Rows
from prune.errors import OptionError
from prune.exporters.folder import Folder
from prune.exporters.job import Job
from prune.exporters.names import file_names, folder_names
from prune.images import suffix_of

FILES = 4096  # in a part


def imagefolder(job: Job, folder: Folder, /, *, link: Literal["copy", "hard", "sym"] = "copy") -> None:
    """Class folders of image files, the bytes as they are; unlabelled images lie at the top.

    From an image folder, paths stay as they are. From others they are `class/name.suffix`, where the suffix
    says what the bytes are, and a class or key that no file system takes is changed: `a/b` to `a_b`. An image
    folder numbers its classes by sorted name, whatever their order was.

    Parameters
    ----------
    job
        The samples.
    folder
        Where they go.
    link
        `hard` and `sym` link to the files of an image folder instead of copying them.

    Raises
    ------
    OptionError
        Links are asked for, but the samples are not files.
    """
    if link != "copy" and job.reader.format != "imagefolder":
        raise OptionError(f"link={link} needs an image folder, this is {job.reader.format}", "--link copy")
    if link == "copy":
        folder.need(job.size())
    names = _names(job)
    with job.reporter.stage("export", len(job)) as advance:
        for number, rows in job.chunks(FILES):
            if not folder.done(f"files-{number:06d}"):
                stems = names and names[number * FILES :][: len(rows)]
                _write(job, folder, f"files-{number:06d}", rows, stems, link)
            advance(len(rows))


def _names(job: Job) -> list[str] | None:
    """Return paths without suffix, aligned with the rows, or None where the key is the path."""
    if job.reader.format == "imagefolder":
        return None
    classes = folder_names(job.dataset.classes)
    folders = ["" if label < 0 else classes[label] for label in job.dataset.labels[job.rows].tolist()]
    return file_names(job.column("key").to_pylist(), folders, job.rows.tolist())


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
