"""Class folders of image files: copied or linked from an image folder, written out from any other dataset."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from posixpath import splitext
from typing import Literal

from prune.core.arrays import Rows
from prune.core.errors import OptionError
from prune.core.safe_text import counted
from prune.exporters import class_ids, own_suffixes
from prune.exporters.carried_fields import carried
from prune.exporters.carried_form import form_of, note_form
from prune.exporters.class_ids import ClassFolder, Empty
from prune.exporters.file_names import file_names, say_renamed
from prune.exporters.job import ExportJob
from prune.exporters.place import DOT, beside
from prune.exporters.sample_files import spread, write_columns
from prune.exporters.side_files import Sides, cut, side_bytes
from prune.exporters.staging.folder import StagingFolder
from prune.exporters.staging.part import ExportPart
from prune.exporters.unread_suffixes import say_neighbours, say_unread
from prune.modalities.image import suffix_of
from prune.modalities.image.sniff import UNKNOWN
from prune.modalities.image.suffixes import IMAGE_SUFFIXES
from prune.readers.folders.image_files import suffix_in
from prune.readers.imagefolder import ImageFolder

Link = Literal["copy", "hard", "sym"]

FILES = 4096  # in a part
_SUFFIXES = IMAGE_SUFFIXES | {UNKNOWN}  # of the images that are written here
_PLACEHOLDER = ".keep"  # keeps an empty folder where only files travel


def imagefolder(
    job: ExportJob,
    folder: StagingFolder,
    /,
    *,
    link: Link = "copy",
    empty_classes: Literal["stop", "keep", "drop"] = "stop",
) -> None:
    """Class folders of image files, the bytes as they are; unlabelled images lie at the top.

    From an image folder, paths stay as they are, unless its labels lie in a file of their own; but copies of
    images whose suffix torchvision does not list, and whose bytes it reads, have the suffix of their bytes:
    `photo` is `photo.jpg`, listed in `OUT.prune/renamed.csv`. Where labels lie in a file of their own, and
    from others, paths are `class/name.suffix`, where the suffix says what the bytes are, and a class or key
    that no file system takes is changed: `a/b` to `a_b`. Readers
    number class folders by their sorted names: where these would come in another order than the ids of the
    source, the folders are called `00`, `01` … or `00_name`. What describes the export lies beside it, in
    `OUT.prune/`, with `classes.csv`: folder, class, id and samples; and `weights.csv`, where not all are 1.
    Names stand in these as they are, for programs: a class called `=1+1` is a formula to a spreadsheet.
    Files beside an image and members of its sample lie beside it again; metadata is written for the kept
    images, and from columns of a table.

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
    new: dict[str, str] = {}
    if link == "copy" and names is None and isinstance(job.reader, ImageFolder):
        new = own_suffixes.renamed(job, job.reader)
    _describe(job, folder, classes, empty_classes)
    with job.reporter.stage("export", len(job)) as advance:
        for number, rows in job.chunks(FILES):
            if not folder.done(f"files-{number:06d}"):
                stems = names and names[number * FILES :][: len(rows)]
                _write(job, folder, f"files-{number:06d}", rows, stems, link, new)
            advance(len(rows))
    written = {name.rpartition(".")[0]: name for name in folder.files if suffix_in(name) in _SUFFIXES}
    keys = job.column("key").to_pylist()
    files = own_suffixes.called(keys, new) if names is None else [written[stem] for stem in names]
    if names is not None:
        say_renamed(job, names, "a path is its class and the name of its file")
        write_columns(job, folder, files)
        _say_linked(job)
    elif isinstance(job.reader, ImageFolder):
        note_form(job, form_of(job))
        _write_metadata(job, job.reader, folder, link, new)
    if new and not folder.done("renamed"):
        with folder.part("renamed") as part:
            part.write(f"{DOT}/renamed.csv", own_suffixes.listed(new))
    own_suffixes.say_renamed(job, new, beside(folder.out) / "renamed.csv")
    say_unread(job, files, linked=link != "copy")
    say_neighbours(job, folder.out, files)
    _write_weights(job, folder, files)


def _write_weights(job: ExportJob, folder: StagingFolder, files: list[str]) -> None:
    """Write the weight of each file as csv beside the class folders, where not all are 1."""
    if job.weights is None or folder.done("weights"):
        return
    sink = io.StringIO()
    out = csv.writer(sink, lineterminator="\n")
    out.writerow(["file_name", "weight"])
    out.writerows(zip(files, map(float, job.weights), strict=True))
    with folder.part("weights") as part:
        part.write(f"{DOT}/weights.csv", sink.getvalue().encode(errors="surrogatepass"))


def _names(job: ExportJob, classes: list[ClassFolder]) -> list[str] | None:
    """Return paths without suffix, aligned with the rows, or None where the key is the path."""
    if class_ids.is_class_root(job):
        return None
    place = {found.row: found.name for found in classes}
    folders = ["" if label < 0 else place[label] for label in job.dataset.labels[job.rows].tolist()]
    return file_names(job.column("key").to_pylist(), folders, job.rows.tolist())


def _describe(job: ExportJob, folder: StagingFolder, classes: list[ClassFolder], empty: Empty) -> None:
    """Write which folder is which class, and what keeps an empty one; say what is not as in the source."""
    if not classes:
        return
    bare = [found.name for found in classes if not found.samples and empty == "keep"]
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


def _say_names(job: ExportJob, classes: list[ClassFolder], empty: Empty, listed: Path) -> None:
    named = [(found.name, job.dataset.classes[found.row]) for found in classes if found.row is not None]
    new = next(((name, old) for name, old in named if name != old), None)
    if new:
        job.reporter.say(
            f"class folders are called {new[0]!r} for {new[1]!r} and so on: sorted, they have the ids of the"
            f" source; all of them are in {listed}"
        )
    ids = [found.id for found in classes if found.samples]
    if empty == "drop" and not class_ids.counts_up(ids):
        job.reporter.say(f"class ids are not those of the source, because classes are left out: see {listed}")


def _write(
    job: ExportJob,
    folder: StagingFolder,
    name: str,
    rows: Rows,
    names: list[str] | None,
    link: Link,
    new: Mapping[str, str],
) -> None:
    keys = job.samples(rows)["key"].to_pylist()
    images = job.payloads(rows)
    sides = Sides(job.reader) if isinstance(job.reader, ImageFolder) and names is None else None
    with folder.part(name) as part, job.steady(rows):
        for key, stem in zip(keys, names or keys, strict=True):
            if link == "copy":
                data = next(images)
                part.write(new.get(key, key) if names is None else f"{stem}.{suffix_of(data)}", data)
            else:
                place = job.reader.root.resolve() / key
                name = key if names is None else f"{stem}.{_suffix(place)}"
                part.link(name, place, lambda: next(images), symbolic=link == "sym")
            for beside in sides.beside(key) if sides else ():
                if job.source_weight is None or beside != f"{splitext(key)[0]}.{job.source_weight}":
                    _take(job, part, beside, link)
        if names is not None:
            spread(part, names, carried(job, rows))


def _suffix(place: Path) -> str:
    """Return the suffix that a link to an image has: the image's own, else the one that its bytes have."""
    own = suffix_in(place.name)
    return own if own in IMAGE_SUFFIXES else suffix_of(side_bytes(place))


def _take(job: ExportJob, part: ExportPart, name: str, link: Link) -> None:
    """Take a file along that lies beside an image of the source; it may belong to two."""
    if name in part.files:
        return
    place = job.reader.root.resolve() / name
    if link == "copy":
        part.write(name, side_bytes(place))
    else:
        part.link(name, place, lambda: side_bytes(place), symbolic=link == "sym")


def _write_metadata(
    job: ExportJob, reader: ImageFolder, folder: StagingFolder, link: Link, new: Mapping[str, str]
) -> None:
    """Write metadata again for the kept images, and what else it names of them."""
    sides, kept = Sides(reader), set(job.column("key").to_pylist())
    if not sides.metadata or folder.done("metadata"):
        return
    with folder.part("metadata") as part:
        for found in sides.metadata:
            data = cut(found, kept, new)
            if data is not None:
                part.write(found.name, data)
        for name in sides.linked(kept):
            if name not in kept and name not in folder.files:
                _take(job, part, name, link)


def _say_linked(job: ExportJob) -> None:
    """Say how many further files metadata names, where it is written anew, and only its columns go along."""
    if not isinstance(job.reader, ImageFolder):
        return
    named = len(set(Sides(job.reader).linked(set(job.column("key").to_pylist()))))
    if named:
        job.reporter.say(
            f"files that metadata names beside the images are left out: {counted(named, 'file')}"
        )
