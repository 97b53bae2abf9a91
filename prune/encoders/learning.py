"""Encoders that learn from the dataset before they encode it: what they learnt lies beside the column."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from prune.core.progress import SILENT, Reporter
from prune.encoders.encode import Encoder, PayloadSource
from prune.store import Column, ColumnWriter, Dataset

LEARNT = "learnt"  # the attachment


@runtime_checkable
class LearningEncoder(Protocol):
    """An encoder that has to learn, or to be given what it learnt before, and then encodes."""

    @property
    def has_learnt(self) -> bool:
        """Whether it can encode."""

    def learn(self, source: PayloadSource, dataset: Dataset, reporter: Reporter) -> bytes:
        """Return what was learnt of a dataset."""

    def restore(self, learnt: bytes) -> None:
        """Take what was learnt."""


def learn_once(
    encoder: Encoder,
    source: PayloadSource,
    dataset: Dataset,
    writer: ColumnWriter,
    reporter: Reporter = SILENT,
    *,
    before: Column | None = None,
) -> None:
    """Let an encoder learn, if it has to; what it learnt in an interrupted run is kept beside the parts.

    Parameters
    ----------
    before
        A column of an earlier state of the dataset: the encoder stays as it was when it made that one.
    """
    if writer.finished or not isinstance(encoder, LearningEncoder) or encoder.has_learnt:
        return
    known = writer.attachment(LEARNT, 0)
    if known is None:
        known = before.attachment(LEARNT, 0) if before else encoder.learn(source, dataset, reporter)
        writer.attach(LEARNT, 0, known, "safetensors")
    encoder.restore(known)


def restore_from(encoder: Encoder, column: Column) -> None:
    """Give an encoder what it learnt when it made a column.

    Raises
    ------
    StoreError
        It is damaged.
    """
    if isinstance(encoder, LearningEncoder):
        encoder.restore(column.attachment(LEARNT, 0))
