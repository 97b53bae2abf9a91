"""Captions: a second payload of samples that are images, for what looks at texts.

The sample is the image, and stays so: its digest, its key and what image verbs do know nothing of captions.
Where they are is found out only when something asks for texts; a user who wants others says which with
`--image-column jpg --text-field caption.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import pyarrow as pa

from prune.readers.huggingface import HuggingFace
from prune.readers.sample import Reader
from prune.readers.tables.captions import TableCaptions, caption_columns
from prune.readers.tar.captions import CaptionMembers, TarCaptions, have_captions, label_member
from prune.readers.webdataset import WebDataset


@runtime_checkable
class Captions(Protocol):
    """The captions of a dataset of images."""

    @property
    def where(self) -> str:
        """Where they are, in words."""

    def payloads(self, samples: pa.Table) -> Iterator[str]:
        """Yield the caption of each row of `SAMPLES`, empty where it has none."""


def captions_of(reader: Reader) -> Captions | None:
    """Return the captions of samples that are images; None where there are none.

    Raises
    ------
    DataError
        The dataset cannot be read.
    """
    if isinstance(reader, WebDataset) and reader.modality == "image":
        spec = CaptionMembers(reader.captions) if reader.captions is not None else None
        if spec is None:
            spec = CaptionMembers(aside=label_member(reader.label_field))
            if not have_captions((reader.root / shard for shard in reader.shards), spec):
                return None
        return TarCaptions(reader.root, spec)
    if isinstance(reader, HuggingFace) and reader.modality == "image" and reader.features_column is None:
        aside = filter(None, (reader.image_column, reader.label_column, "__key__"))
        found = reader.captions or caption_columns(reader.table.schema, tuple(aside))
        return None if found is None else TableCaptions(reader.table, found)
    return None
