"""The names of columns: what they are made of, and the one place that knows how they are spelled.

====================  ====================================================================================
`score.NAME`          a score; `score.NAME.std`, `.suspect`, `.suspect_rank`, `.never` … are its companions
`trace.RUN`           the facts of a training, epoch by epoch; `trace.RUN.FOLD` of one fold of it
`grad_norm.RUN`       gradient norms through the network of a run; `grad_norm.RUN.FOLD` of a fold
`deepfool.RUN`        distances to the decision boundary through it; `deepfool.RUN.FOLD` of a fold
`embedding.ENCODER`   an embedding; `embedding.proxy` holds the features of run 0
`probs`               the predictions of run 0
`probs.heldout`       of a cross-fit: predictions by the proxies that did not train on a sample
`images.SIZE`         decoded images of so many pixels a side
`ngrams.LENGTH`       hashed words and word pairs of each text, so many at most
`tokens.LENGTH`       tokens of each text, by the tokenizer of a model of yours
`neighbours.METRIC.ENCODER`  the nearest of every sample in an embedding, kept for whoever asks for them
`field.NAME`          what the dataset says of each sample: a column of it, or the width of an image
`evaluation.CELL`     what a target predicts of the test samples; CELL: what it was trained on
`choice.CHOICE`       which samples a selection keeps that was made to be evaluated, and their weights
====================  ====================================================================================
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

SCORE, TRACE, GRAD_NORM, DEEPFOOL = "score", "trace", "grad_norm", "deepfool"
EMBEDDING, IMAGES, NEIGHBOURS = "embedding", "images", "neighbours"
NGRAMS, TOKENS = "ngrams", "tokens"
OF_IDS = (NGRAMS, TOKENS)  # kinds that hold numbers of words
OF_PAYLOADS = (IMAGES, *OF_IDS)  # kinds that hold the samples themselves, as a proxy looks at them
FIELD = "field"
EVALUATION, CHOICE = "evaluation", "choice"
OF_EVALUATIONS = (EVALUATION, CHOICE)  # dozens, which nothing is scored, selected or exported by
OF_A_RUN = (TRACE, GRAD_NORM, DEEPFOOL)  # kinds that every run has its own of

STD, SUSPECT, SUSPECT_RANK, EXTRAPOLATED = "std", "suspect", "suspect_rank", "extrapolated"  # of scores
LATER = "later"  # of a score: which samples came after the training, and are scored held out
MEASURED = "measured"  # attached to a score: how far those of such samples may lie from others


class ColumnName(str):
    """A name as it stands on disk, and its parts: `KIND`, `KIND.OF` or `KIND.OF.PART`."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        """What stands before the first dot."""
        return self.partition(".")[0]

    @property
    def rest(self) -> str:
        """All that follows the kind: `el2n.std`, `0.2`."""
        return self.partition(".")[2]

    @property
    def of(self) -> str:
        """Which score, run, encoder or size."""
        return self.rest if self.kind in {EMBEDDING, NEIGHBOURS, FIELD} else self.rest.partition(".")[0]

    @property
    def part(self) -> str:
        """The companion of a score, or the fold of a run; nothing where it is the column itself."""
        return self.rest[len(self.of) + 1 :]

    @property
    def whole(self) -> ColumnName:
        """The score of a companion, the run of a fold; the column itself where it is whole."""
        return self if not self.part else ColumnName(f"{self.kind}.{self.of}")

    @property
    def searched(self) -> ColumnName:
        """The embedding that neighbours were looked for in."""
        return ColumnName.embedding(self.rest.partition(".")[2])

    @property
    def is_score(self) -> bool:
        """Whether it is a score and no companion of one."""
        return self.kind == SCORE and not self.part

    @property
    def is_run(self) -> bool:
        """Whether it is the trace of a whole run."""
        return self.kind == TRACE and self.of.isdecimal() and not self.part

    @classmethod
    def score(cls, name: str, companion: str = "") -> ColumnName:
        """Return the name of a score, or of a companion of it."""
        return cls(f"{SCORE}.{name}.{companion}" if companion else f"{SCORE}.{name}")

    @classmethod
    def trace(cls, run: int | str) -> ColumnName:
        """Return the name of the trace of a run, or of `RUN.FOLD`."""
        return cls(f"{TRACE}.{run}")

    @classmethod
    def of_run(cls, kind: str, run: int | str) -> ColumnName:
        """Return the name of what is there of every run, one of `OF_A_RUN`; or of `RUN.FOLD`."""
        return cls(f"{kind}.{run}")

    @classmethod
    def embedding(cls, encoder: str) -> ColumnName:
        """Return the name of an embedding."""
        return cls(f"{EMBEDDING}.{encoder}")

    @classmethod
    def field(cls, name: str) -> ColumnName:
        """Return the name of a column of the dataset; one that could not name a folder is a hash there."""
        if _PLAIN.fullmatch(name):
            return cls(f"{FIELD}.{name}")
        return cls(f"{FIELD}.~{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}")

    @classmethod
    def neighbours(cls, metric: str, embedding: str) -> ColumnName:
        """Return the name of the nearest by a metric in an embedding, given by the name of its column."""
        return cls(f"{NEIGHBOURS}.{metric}.{cls(embedding).of}")

    @classmethod
    def images(cls, size: int) -> ColumnName:
        """Return the name of decoded images."""
        return cls(f"{IMAGES}.{size}")

    @classmethod
    def ngrams(cls, length: int) -> ColumnName:
        """Return the name of hashed n-grams."""
        return cls(f"{NGRAMS}.{length}")

    @classmethod
    def tokens(cls, length: int) -> ColumnName:
        """Return the name of tokens."""
        return cls(f"{TOKENS}.{length}")


_PLAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?")  # a dot ends no folder's name

PROBS = ColumnName("probs")
HELD_OUT = ColumnName("probs.heldout")  # of all runs of a cross-fit
FEATURES = ColumnName.embedding("proxy")
RESULTS = (FEATURES, PROBS)  # of run 0, after its last epoch
FIRST_RUN = ColumnName.trace(0)


def of_kinds(names: Iterable[str], *kinds: str) -> list[ColumnName]:
    """Return the names of these kinds, whole or not, in their order."""
    return [name for name in map(ColumnName, names) if name.kind in kinds]


def scores_among(names: Iterable[str]) -> list[ColumnName]:
    """Return the scores, without their companions, in their order."""
    return [name for name in map(ColumnName, names) if name.is_score]


def runs_among(names: Iterable[str]) -> list[ColumnName]:
    """Return the traces of whole runs, by run."""
    return sorted((name for name in map(ColumnName, names) if name.is_run), key=lambda name: int(name.of))


def deciding(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns without those that only save time or evaluate: selections are the same without.

    Of fields those that decide are named where a selection says what it was chosen by.
    """
    beside = {NEIGHBOURS, FIELD, *OF_EVALUATIONS}
    return {name: of for name, of in columns.items() if ColumnName(name).kind not in beside}


def is_trained(name: str) -> bool:
    """Whether a column comes of a training: of a run, the results of the first, or held-out predictions."""
    return ColumnName(name).kind in OF_A_RUN or name in {*RESULTS, HELD_OUT}
