"""Choices that are known to fail, each with the figure and where it was published."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prune.core.arrays import Labels

_SMALL = 0.3  # kept: below it, hardest-first has lost to random wherever it was compared
_TINY = 0.1
_HALF = 0.5  # of a class
_UNEVEN = 10  # times more samples in the largest class than in the smallest

_HARDEST = {("top", "hard"), ("top", "hard and uncertain"), ("bottom", "easy")}
_HARDEST_FIRST = (
    "{method} by {score} keeps the hardest {kept:.3g} % of the samples: below 30 % that does worse than "
    "random. On CIFAR-10, keeping the most forgotten gave 95.36 % accuracy at 70 % kept and 34.03 % at 10 %, "
    "far below random (Zheng et al., ICLR 2023, arXiv:2210.15809). "
    "Try --method stratified, beta or gumbel, or keep more"
)
_EASIEST_FIRST = (
    "{method} prefers high values of {score}, and those are of {high} samples. "
    "Try {instead}, if it is the others that you want"
)
_INSTEAD = {"top": "--method bottom", "gumbel": "--set tau=-1"}
_OF_THE_EASY = {"easy", "typical", "redundant"}
_INPUT_NORM = (
    "input_norm says nothing about what is learned; it is what gradient norms at epoch 0 come to (Spearman "
    "0.96), and CIFAR-10 halved by it gave 92.4 % accuracy where random gave 93.5 % "
    "(Kirsch, 2023, arXiv:2303.14753). Try --score el2n"
)
_ONE_FOR_ALL = (
    "classes differ in size by {ratio:.3g} times, and stratified bins all of them together: at 1 % kept of "
    "CTU-13 accuracy fell by 7.59 % that way, and by 2.58 % class by class (Tsai, Zheng & Prakash, 2025, "
    "arXiv:2507.10904). Try --quota proportional"
)

_CUT = (
    "--drop-hardest leaves out {share:.3g} % of the class {name!r}{more}: where a class is hard, its clean "
    "samples look like wrong labels. Look at some of them, or drop less"
)
_SEEN = (
    "--quota drop goes by errors on samples that the proxy trained on, which say little of a class that it "
    "has learned by heart. Try prune score --cross-fit 5, or --quota-errors FILE.json from held-out data"
)


def cautions(
    *,
    method: str,
    score: str | None,
    high: str,
    kept: float,
    labels: Labels,
    quota: str,
    turned: bool = False,
) -> list[str]:
    """Return what the literature has against a choice; nothing, mostly.

    Parameters
    ----------
    method, score, high, quota
        What is chosen by, what a high score means, and how the budget is split.
    kept
        Fraction of the usable samples.
    turned
        The options of the method prefer low scores already.
    labels : (m,)
        Of the candidates; −1 where there is none.
    """
    warnings = []
    hardest_first = (method, high) in _HARDEST
    if hardest_first and kept < _SMALL:
        warnings.append(_HARDEST_FIRST.format(method=method, score=score, kept=100 * kept))
    if method in _INSTEAD and high in _OF_THE_EASY and not turned:
        instead = _INSTEAD[method]
        warnings.append(_EASIEST_FIRST.format(method=method, score=score, high=high, instead=instead))
    if score == "input_norm":
        warnings.append(_INPUT_NORM)
    sizes = np.bincount(labels[labels >= 0])
    sizes = sizes[sizes > 0]
    uneven = len(sizes) > 1 and sizes.max() >= _UNEVEN * sizes.min()
    if method == "stratified" and quota == "none" and uneven and kept <= _TINY:
        warnings.append(_ONE_FOR_ALL.format(ratio=sizes.max() / sizes.min()))
    return warnings


def cautions_of_classes(
    *, dropped: Labels, labels: Labels, classes: Sequence[str], held_out: bool
) -> list[str]:
    """Return what speaks against how classes are treated: one that is cut by half, errors of what is known.

    Parameters
    ----------
    dropped, labels
        Of those that were left out as the hardest, and of the candidates; −1 where there is none.
    classes
        Names.
    held_out
        Whether the errors that split the budget, if any do, are of samples that were not trained on.
    """
    warnings = [] if held_out else [_SEEN]
    gone, left = (np.bincount(part[part >= 0], minlength=len(classes)) for part in (dropped, labels))
    share = gone / np.maximum(gone + left, 1)
    if many := int((share > _HALF).sum()):
        worst = int(np.argmax(share))
        more = f", and more than half of {many - 1} more" if many > 1 else ""
        warnings.append(_CUT.format(share=100 * share[worst], name=classes[worst], more=more))
    return warnings
