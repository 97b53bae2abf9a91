"""Words and pairs of words as embeddings of texts: hashed, weighted, and seen along 256 axes; no weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prune.core.arrays import Embeddings
from prune.core.progress import SILENT, Reporter
from prune.encoders.encode import PayloadSource
from prune.encoders.ngram_counts import MOST_CHARACTERS, ngram_counts
from prune.encoders.ngram_state import DIMENSIONS, NgramState, learn_ngrams, sampled_rows
from prune.encoders.text_encoder import TextEncoder
from prune.modalities.text.batches import read_texts
from prune.store import Dataset


class Ngrams(TextEncoder):
    """The encoder of texts that needs no weights: it learns from the dataset itself, once."""

    name = "ngrams"
    batch = 256

    def __init__(self, seed: int, learns_from: str) -> None:
        self._seed, self._learns_from = seed, learns_from
        self._state: NgramState | None = None
        self._axes = np.empty((0, 0), np.float32)

    @property
    def identity(self) -> Mapping[str, Any]:
        """All that the embeddings depend on; what was learnt by the dataset that it was learnt from."""
        return {
            "encoder": self.name,
            "dimensions": DIMENSIONS,
            "learnt_from": self._learns_from,
            "length": f"{MOST_CHARACTERS:,} characters",
            "batch": self.batch,
            "seed": self._seed,
            "version": 1,
        }

    @property
    def has_learnt(self) -> bool:
        """Whether it can encode."""
        return self._state is not None

    def learn(self, source: PayloadSource, dataset: Dataset, reporter: Reporter = SILENT) -> bytes:
        """Return what `restore` wants, learnt from a sample of the texts of a dataset.

        Memory: up to a gigabyte, whatever the size of the dataset.
        """
        import scipy.sparse

        samples = dataset.samples.take(sampled_rows(dataset, self._seed))
        blocks = []
        with reporter.stage("learn n-grams", len(samples)) as advance:
            for _, texts in read_texts(source, samples, batch=self.batch):
                blocks.append(ngram_counts(texts))
                advance(len(texts))
            counts = scipy.sparse.vstack(blocks or [ngram_counts([""])], format="csr")
            return learn_ngrams(counts, self._seed).to_bytes()

    def restore(self, learnt: bytes) -> None:
        """Take what `learn` returned, now or in an earlier run."""
        self._state = NgramState.of_bytes(learnt)
        self._axes = self._state.axes.astype(np.float32)

    def prepared(self, texts: list[str]) -> tuple[Any, list[int]]:
        """Return the weighted n-grams of texts, sparse (b, f), and which of the texts were cut."""
        assert self._state is not None, "it has learnt nothing yet"
        cut = [place for place, text in enumerate(texts) if len(text) > MOST_CHARACTERS]
        return self._state.weighted(ngram_counts(texts)), cut

    def encode(self, payloads: Any) -> Embeddings:
        """Return float32 (b, d) of length 1; zeros of a text whose n-grams are all unknown."""
        seen = np.asarray(payloads @ self._axes, np.float64)
        norms = np.sqrt(np.square(seen).sum(1, keepdims=True))
        embeddings: Embeddings = (seen / np.maximum(norms, 1e-9)).astype(np.float32)
        return embeddings


def ngrams(*, seed: int, learns_from: str) -> Ngrams:
    """Words and pairs of words, hashed, by inverse document frequency, on 256 axes; texts, without weights.

    Learnt from up to 32,768 texts of the dataset, drawn by seed and key: which n-grams count (the 32,768 that
    most of them have), how much (1 + ln((1 + n) / (1 + texts with it))), and the axes (truncated singular
    value decomposition: latent semantic analysis). An n-gram that stands t times counts 1 + ln t. What is
    learnt is kept beside the column, so that a target or a test set is seen as the dataset was.

    Parameters
    ----------
    seed
        Of the texts that are drawn, and of the decomposition.
    learns_from
        Fingerprint of the dataset.

    Returns
    -------
    Encoder
        Of 256 dimensions, fewer where the data has fewer; every row of length 1, or 0 where no n-gram of the
        text is known.

    References
    ----------
    Deerwester et al., "Indexing by latent semantic analysis", JASIS 1990. Weinberger et al., "Feature hashing
    for large scale multitask learning", ICML 2009.
    """
    return Ngrams(seed, learns_from)
