"""WebDataset shards: tar files in which the members of a sample stand side by side under one key.

Samples are grouped as the webdataset library groups them: the key of `a/b.c/x.seg.PNG` is `a/b.c/x`, up to
the first dot after the last slash, and its extension `seg.png`; `./` is part of a key. As there, folders,
members without an extension (`README`, `.hidden.jpg`) and names like `__meta__` belong to no sample. Where
the library is silent, here the sample is rejected with a reason: members that are not adjacent, links, no
image. Shards without images are of texts where samples have a `.txt` or a text in their `.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from prune.core.errors import DataError, OptionError
from prune.modalities.text.fields import LABELS, TextFields
from prune.readers.folders.descriptions import is_exported
from prune.readers.foreign.convert_archives import refuse_folder
from prune.readers.foreign.leftover import Counted, leftover
from prune.readers.hashing_file import HashingFile
from prune.readers.labels.file import LabelFile
from prune.readers.sample import RAW, ReaderBase, Unit, number_order, with_sources
from prune.readers.tar.label import Place, places
from prune.readers.tar.restarting_keys import told_apart
from prune.readers.tar.samples import Sample, rows_of
from prune.readers.tar.shard_list import find_shards, looks_like_shards
from prune.readers.tar.tar_glance import remark_on
from prune.readers.tar.texts import TextMembers, TextSample, are_of_texts
from prune.system import contents
from prune.system.contents import OpenedFile
from prune.system.os_errors import reading

CLASS_NAMES = "classnames.txt"
_AGAIN = "scan the dataset again"


def looks_like(path: Path) -> bool:
    """Say whether this is a `.tar`, a pattern of them, or a folder that holds some; a cheap look."""
    return looks_like_shards(path)


def open_webdataset(  # noqa: PLR0913 - all that can be said of shards
    data: str,
    *,
    split: str | None = None,
    label_field: str | None = None,
    image_column: str | None = None,
    text_field: str | None = None,
    template: str | None = None,
    no_labels: bool = False,
    skip_shards: bool = False,
    certain: bool = True,
) -> WebDataset:
    """Open a folder, a file, a glob or a brace pattern of local shards.

    Parameters
    ----------
    data
        `shards/`, `shard-0.tar`, `shards/*.tar` or `shard-{000..099}.tar`; see `find_shards` for their order.
    split
        Keep shards with this word in their name or in the name of a folder below `data`.
    label_field
        Member (`caption.txt`) or JSON field (`json.category`) that holds the label; see `label.places`.
    no_labels
        Whether nothing is read as a label.
    image_column
        Extension of the image (`rgb.png`), where samples hold several.
    text_field, template
        Members or JSON fields of texts, also of shards with images, and what is made of them; see
        `TextMembers`. Beside an `image_column`, those of the captions.
    skip_shards
        Whether a scan leaves damaged shards out, instead of failing.
    certain
        Whether there is no doubt that these are shards: they were read so, or the user said it.

    Raises
    ------
    OptionError
        A URL, a bad pattern or an unknown split.
    DataError
        Shards are missing, there are none, or they are folders of images in a tar.
    """
    fields = TextFields.of(text_field, template)
    if template is not None and image_column is not None:
        raise OptionError("--image-column and --template both say what a sample is", "give one of them")
    root, shards = find_shards(data, split)
    if not (certain or no_labels or label_field or image_column or is_exported(root)):
        refuse_folder([root / shard for shard in shards])
    named = not Path(data).is_dir()
    image = None if image_column is None else image_column.lower().removeprefix(".")
    reader = WebDataset(root, shards, label_field, split, named=named, skip_shards=skip_shards)
    beside = leftover(data, ".tar", [root / shard for shard in shards])
    reader = replace(reader, image_column=image, no_labels=no_labels, passed_over=beside)
    if image and fields.paths:
        return replace(reader, captions=fields)
    if not fields.paths and (image or not are_of_texts(root / shard for shard in shards)):
        return reader
    return replace(
        reader, texts=TextMembers(fields), text_field=text_field, template=template, modality="text"
    )


@dataclass(frozen=True)
class WebDataset(ReaderBase):
    """Shards below a folder, in a fixed order.

    The image of a sample is its member with an image's extension; `x.jpg` goes before `x.depth.png` wherever
    they stand, and of several that are alike the user has to choose one. Where `classnames.txt` lies beside
    the shards, its lines are the classes: a label that is a whole number counts them from 0, any other must
    be one of them. (A file in which a line repeats is ignored.)
    """

    root: Path
    shards: Sequence[str]
    label_field: str | None = None
    split: str | None = None
    named: bool = False  # one by one or by a pattern, not by their folder
    skip_shards: bool = False  # damaged shards are left out
    no_labels: bool = False  # nothing is read as a label
    image_column: str | None = None  # extension of the image
    captions: TextFields | None = None  # where the user said which texts go with the images
    texts: TextMembers | None = None  # where samples are texts
    text_field: str | None = None  # as the user named it
    template: str | None = None
    modality: str = "image"
    label_file: LabelFile | None = None
    passed_over: Counted = ()  # data of other forms beside the shards
    format: str = field(default="webdataset", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shards", tuple(self.shards))

    @property
    def options(self) -> Mapping[str, Any]:
        """Where labels are; shards that come or go do not change how the others are read."""
        chosen: dict[str, str | None] = {}
        if self.image_column is not None:
            chosen = {"image_column": self.image_column}
        if self.texts is not None:
            chosen = {"text_field": self.text_field, "template": self.template}
        return {"label_field": self.label_field, **chosen} | ({"no_labels": True} if self.no_labels else {})

    @property
    def guesses_labels(self) -> bool:
        """Whether nobody said where the labels are."""
        return self.label_field is None

    @property
    def remarks(self) -> list[str]:
        """Which fields may be the label, where nobody said it, and there is another one or none."""
        if self.label_file is not None or self.no_labels or not self.guesses_labels:
            return []
        said = remark_on(self.root / self.shards[0], self._where)
        return [said] if said else []

    @property
    def places(self) -> Sequence[Path]:
        """The folder, or the shards that were named."""
        return [self.root / shard for shard in self.shards] if self.named else (self.root,)

    @property
    def names_file(self) -> str | None:
        """The file of class names, relative to the root: beside the first shard, or in the root."""
        beside = f"{self.shards[0].rpartition('/')[0]}/{CLASS_NAMES}".lstrip("/")
        return next((name for name in (beside, CLASS_NAMES) if (self.root / name).is_file()), None)

    def units(self) -> Iterator[Unit]:
        """Yield one unit a shard."""
        names = self.names_file
        for place, shard in enumerate(self.shards):
            beside = {} if place else dict(self.passed_over)
            yield Unit(shard, (shard, names) if names else (shard,), passed_over=beside)

    def scan(self, unit: Unit) -> pa.Table:
        """Index a shard in one pass: samples, labels, digests of images or texts, SHA-256 of the file.

        Raises
        ------
        DataError
            The shard is cut short, damaged, compressed, or holds files but no sample.
        """
        shard, lines = unit.files[0], self._class_names()
        names = {line: line for line in lines} | dict(zip(map(str, range(len(lines))), lines, strict=True))
        with HashingFile(self.root / shard) as source:
            depths: Counter[int] = Counter()
            rows = rows_of(source, shard, self._where, names or None, depths, begin=self._begin)
            digest = source.sha256()
        columns = zip(*rows, strict=True) if rows else ([] for _ in RAW)
        arrays = [pa.array(column, kind.type) for column, kind in zip(columns, RAW, strict=True)]
        return with_sources(pa.Table.from_arrays(arrays, schema=RAW), {shard: digest}, depths=depths)

    @property
    def _where(self) -> list[Place]:
        """Where the label may stand."""
        also = [("json", (name,)) for name in LABELS] if self.texts and self.label_field is None else []
        return [] if self.no_labels else [*places(self.label_field), *also]

    def _begin(self, key: str, offset: int) -> Sample:
        if self.texts is not None:
            return TextSample(key, offset, self.texts)
        return Sample(key, offset, self.image_column)

    def told_apart(self, raw: pa.Table) -> pa.Table:
        """Return samples with the name of their shard in the key, where keys restart in each."""
        return told_apart(raw)

    def classes(self, labels: Sequence[str]) -> list[str]:
        """Return the lines of `classnames.txt`, or else the labels: by value if whole numbers, or as text.

        Raises
        ------
        DataError
            A label field was named, and no sample has it.
        """
        if self.label_field is not None and not labels:
            raise DataError(
                f"no sample has the label field {self.label_field!r}", "name a member or a field of .json"
            )
        names = self._class_names()
        return names if names and labels else number_order(labels)

    def payloads(self, samples: pa.Table) -> Iterator[bytes | str]:
        """Yield the bytes of each image, or each text; one shard is open at a time.

        Raises
        ------
        DataError
            A shard is gone, or shorter than it was.
        """
        opened: str | None = None
        content: OpenedFile | None = None
        try:
            names = ("shard", "image_offset", "image_size", "offset", "size")
            columns = [samples[name].to_pylist() for name in names]
            for shard, own, length, first, whole in zip(*columns, strict=True):
                if content is None or shard != opened:
                    if content is not None:
                        content.close()
                    opened, content = shard, self._open(shard)
                made = self.texts is not None and own is None  # of several members, or a part of one
                offset, size = (first, whole) if made else (own, length)
                data = content.read(offset, size)
                if len(data) != size:
                    raise DataError(
                        f"{self.root / shard} ends before byte {offset + size}", "run prune score again"
                    )
                yield data if self.texts is None else self._text(data, shard, made=made)
        finally:
            if content is not None:
                content.close()

    def _text(self, data: bytes, shard: str, *, made: bool) -> str:
        assert self.texts is not None
        if made:
            return self.texts.text_in(data, self.root / shard)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.root / shard} has changed: a text is not UTF-8", _AGAIN) from error

    def _open(self, shard: str) -> OpenedFile:
        with reading(self.root / shard):
            return contents.opened(self.root / shard)

    def _class_names(self) -> list[str]:
        name = self.names_file
        if name is None:
            return []
        try:
            lines = [line.strip() for line in (self.root / name).read_text("utf-8-sig").rstrip().split("\n")]
        except UnicodeDecodeError as error:
            raise DataError(f"{self.root / name} is not UTF-8 text", "write one class name a line") from error
        return lines if len(set(lines)) == len(lines) and "" not in lines else []
