"""Length: how long a text is, in characters or words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from prune.core.arrays import Scores
from prune.core.errors import OptionError

Unit: TypeAlias = Literal["characters", "words"]


def length(texts: Sequence[str], /, *, unit: Unit = "characters") -> Scores:
    """Number of characters of the text, or of its words.

    Good for leaving out what is too short to say anything or too long for the model that is to learn from it
    (`select --method window --score length`), and as the baseline that any other score of texts has to beat;
    it says nothing about what a text says.

    Parameters
    ----------
    texts : (n,)
        As the reader yields them: spaces and line ends count as characters.
    unit
        ``characters``, code points of Unicode; or ``words``, runs of anything but white space, of which a
        text in Chinese or Thai has few.

    Returns
    -------
    (n,)
        At least 0, whole numbers. Neither end is of hard samples. Lengths over 16,777,216 are rounded.

    Raises
    ------
    OptionError
        `unit` is neither.

    References
    ----------
    Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", 2021,
    arXiv:2112.11446, for leaving out by length (under 50 words and over 100,000).
    Zhao, Andriushchenko, Croce & Flammarion, "Long Is More for Alignment", ICML 2024, arXiv:2402.04833, for
    keeping the longest.
    """
    if unit not in get_args(Unit):
        raise OptionError(f"unit={unit} is not one of {', '.join(get_args(Unit))}")
    counts = (len(text) if unit == "characters" else len(text.split()) for text in texts)
    return np.fromiter(counts, np.float32, len(texts))
