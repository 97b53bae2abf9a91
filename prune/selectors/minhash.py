"""MinHash: of texts that are nearly the same, word for word, keep one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from prune.core.arrays import Rows, Scores
from prune.core.errors import OptionError
from prune.core.lots import lots
from prune.core.selection import CLUSTER_OF, Selection
from prune.index.given import free_rows
from prune.index.resource_plan import Plan, Size
from prune.modalities.text.texts import Texts
from prune.selectors.semdedup import worth_of
from prune.selectors.top import tied_at_cut

if TYPE_CHECKING:
    from prune.index.space import Sums
    from prune.modalities.text.near_duplicates import NearTexts, TextSketches

KeptText: TypeAlias = Literal["longest", "first", "random", "score"]

THRESHOLD = 0.75  # where neither a threshold nor a budget is given
_SKETCH = 176  # bytes a text
_WORK = 1e5  # operations a text, of some hundred words


def minhash(
    texts: Texts,
    keys: Sequence[str],
    /,
    *,
    k: int | None,
    seed: int,
    threshold: float | None = None,
    words: int = 5,
    keep: KeptText = "longest",
    lowest: bool | None = None,
    scores: Scores | None = None,
    given: Rows | None = None,
) -> Selection:
    """Drop every text that shares at least the `threshold` of its word runs with a better-ranked kept one.

    A text is the set of its runs of 5 words, without case, punctuation and spaces; two are alike if the
    Jaccard similarity of their sets is at least the threshold, or their words are the same. Who may be alike
    is found by MinHash, 14 bands of 8 functions; whether they are is computed from the texts, so nothing else
    is dropped. Texts are ranked by `keep`, and gone through from the best: what is dropped is no reason to
    drop others, so every dropped text has a kept one that it is like. With `k` and no threshold, the k least
    redundant are returned: let r be the largest similarity to a better-ranked kept text; the smallest r are
    kept. Time O(n·112·words) for sketches, in two readings of the dataset; memory O(n), 176 bytes a text.

    Good for crawled text, forwarded mail and templates, as a first step before any other method, since it
    needs no embedding; bad for paraphrases, which `semdedup` finds in an embedding, for texts of fewer than
    some 40 words, where one changed word breaks more than a quarter of the runs (``words=1`` or 2 finds
    these). Of Chinese and Japanese, every character is a word.

    Parameters
    ----------
    texts
        n texts.
    keys : (n,)
        Stable names of the samples.
    k
        In ``[1, n]``, less the given samples; None keeps whatever is not a duplicate.
    seed
        Of the ranks under ``keep=random``, and of the draw between equal ranks and equal r.
    threshold
        In ``(0, 1]``; at 1 only texts of the same words are duplicates. Without `k`, default 0.75; together
        with `k`, at most k of what is left. A pair of similarity 0.75 is met by 77 %, of 0.8 by 92 %, of
        0.9 by 99.9 %; one of 0.5 by 5 %, so thresholds far below 0.75 find few of those they are for.
    words
        Of a run, at least 1. A text of fewer has one run, all of its words.
    keep
        Who ranks first: the ``longest``, in characters; the ``first`` in the dataset; ``random``; or
        ``score``, those of the hardest score.
    lowest
        With ``keep=score``: low scores rank first. Default: the hard end, as the score says which that is;
        where nobody says, high ones.
    scores : (n,)
        For ``keep=score``.
    given
        Positions of samples that are chosen already: they rank first, are never dropped, and are not
        returned.

    Returns
    -------
    Least redundant first, ties by the hash of seed and key; gains are 1 − r, in ``[0, 1]``. Weights are 1.
    Facts: `threshold`; `duplicates`, how many were found; `tied_at_cut`; and `partners`, of every text
    dropped for its redundancy (`rows`) the most similar better-ranked kept one (`of`).

    Raises
    ------
    OptionError
        `threshold` or `words` is out of range, ``keep=score`` has no scores, or fewer than k texts are left.
    ValueError
        k is not in ``[1, n − given]``, a given position is not in ``[0, n)``, or a score is not a number.

    References
    ----------
    Broder, "On the resemblance and containment of documents", SEQUENCES 1997.
    Penedo et al., "The FineWeb Datasets", NeurIPS 2024, arXiv:2406.17557, for the bands and the runs; its
    tool, datatrove, drops all that agree in a band, similar or not.
    """
    from prune.modalities.text.near_duplicates import NearSearch, sketches

    free, taken = free_rows(texts.n, given, 1 if k is None else k)
    used = THRESHOLD if threshold is None else threshold
    if not 0 < used <= 1:
        raise OptionError(f"threshold={threshold} is not over 0 and at most 1", "threshold=0.75")
    if words < 1:
        raise OptionError(f"words={words} is not at least 1", "words=5")
    lot = lots(keys, str(seed))
    worth = worth_of(keep, get_args(KeptText), scores, bool(lowest), texts.n)
    known = sketches(texts, words)
    order = _order(known, worth, keep, lot, taken)
    found = NearSearch(texts=texts, known=known, order=order, fixed=taken, threshold=used, words=words).run()
    strict = k is None or threshold is not None
    left = free[found.kept[free]] if strict else free
    if k is not None and k > len(left):
        raise OptionError(
            f"threshold={threshold} leaves {len(left)} of {len(free)} texts, fewer than the {k} to keep",
            f"--count {len(left)}, a larger threshold, or none: then the k least redundant are kept",
        )
    redundancy = found.similarity
    rows = left[np.lexsort((lot[left], redundancy[left]))[:k]]
    dropped = np.setdiff1d(free, left if strict else rows)
    facts = {
        "threshold": used if strict else None,
        "duplicates": len(free) - int(found.kept[free].sum()),
        **tied_at_cut(redundancy[left], np.searchsorted(left, rows)),
        **_alike(found, dropped),
    }
    return Selection.of(rows, gains=(1 - redundancy[rows]).astype(np.float32), facts=facts)


def plan_of_minhash(size: Size, k: int, options: Mapping[str, Any]) -> Plan:  # noqa: ARG001 - as every plan
    """Return what sketches need; the texts themselves are read in blocks."""
    return Plan("direct", f"sketches of {size.n:,} texts", _SKETCH * size.n, _WORK * size.n)


def _order(known: TextSketches, worth: Sums | None, keep: KeptText, lot: Any, taken: Rows) -> Rows:
    """Positions, best first: those given, then by what is kept, then by lot."""
    late = np.isin(np.arange(len(lot)), taken, invert=True)
    by = {"longest": -known.lengths, "first": np.arange(len(lot)), "random": lot, "score": worth}[keep]
    return np.lexsort((lot, by, late))


def _alike(found: NearTexts, dropped: Rows) -> dict[str, Any]:
    """Partners of what was dropped, and which texts are copies of one another."""
    dropped = dropped[found.partner[dropped] >= 0]
    copies = np.flatnonzero(~found.kept)
    of, number = np.unique(found.partner[copies], return_inverse=True)
    groups = {"rows": [*of.tolist(), *copies.tolist()], "of": [*range(len(of)), *number.tolist()]}
    return {
        CLUSTER_OF: groups,
        "partners": {"rows": dropped, "of": found.partner[dropped]},
    }
