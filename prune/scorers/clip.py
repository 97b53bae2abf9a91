"""CLIP score: how well a caption fits its image."""

from __future__ import annotations

import numpy as np

from prune.core.arrays import Embeddings, Scores


def clip(pictures: Embeddings, captions: Embeddings, /) -> Scores:
    """Cosine of image and caption, in a space that both share: the CLIP score of LAION and DataComp.

    Good at leaving out pairs of which the text says nothing about the picture (``select --method top --score
    clip``), as the large collections were filtered. Bad at telling a good caption from one that repeats the
    words in the picture, and it prefers what the model that measures it was trained on. An image without a
    caption is compared with an empty text.

    Parameters
    ----------
    pictures, captions : (n, d)
        What both towers of one model say: ``prune embed --encoder clip:NAME`` writes the two columns. Their
        length does not matter.

    Returns
    -------
    (n,)
        In ``[−1, 1]``; of models as they are trained mostly 0.1 to 0.4. 0 where a vector has no direction.

    References
    ----------
    Schuhmann et al., "LAION-400M: Open Dataset of CLIP-Filtered 400 Million Image-Text Pairs", 2021,
    arXiv:2111.02114, which kept what is over 0.3 by ViT-B/32.
    Hessel et al., "CLIPScore: A Reference-free Evaluation Metric for Image Captioning", EMNLP 2021,
    arXiv:2104.08718.
    Differs: the cosine itself, where CLIPScore takes 2.5 times what of it is over 0.
    """
    seen, said = (np.asarray(one, np.float32) for one in (pictures, captions))
    products = np.einsum("nd,nd->n", seen, said, dtype=np.float64)
    lengths = np.sqrt(_squares(seen) * _squares(said))
    cosines = np.divide(products, lengths, out=np.zeros_like(products), where=lengths != 0)
    return np.clip(cosines, -1, 1).astype(np.float32)


def _squares(vectors: Embeddings) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    squares: np.ndarray[tuple[int], np.dtype[np.float64]] = np.einsum(
        "nd,nd->n", vectors, vectors, dtype=np.float64
    )
    return squares
