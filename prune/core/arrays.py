"""The arrays that travel between stages, named once.

Axes: n samples · d embedding dimensions · c classes · t epochs · k kept samples · s pixels a side
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Embeddings: TypeAlias = npt.NDArray[np.floating[Any]]  # (n, d), float16 in the store, float32 in arithmetic
Probs: TypeAlias = npt.NDArray[np.floating[Any]]  # (n, c), each row sums to 1
Labels: TypeAlias = npt.NDArray[np.integer[Any]]  # (n,), class ids; -1 where there is none
Scores: TypeAlias = npt.NDArray[np.float32]  # (n,)
Trajectory: TypeAlias = npt.NDArray[np.floating[Any]]  # (t, n), one number a sample and epoch
Images: TypeAlias = npt.NDArray[np.uint8]  # (n, 3, s, s), RGB
Rows: TypeAlias = npt.NDArray[np.int64]  # (k,), positions, in the order taken
Weights: TypeAlias = npt.NDArray[np.float32]  # (k,), aligned with Rows
Gains: TypeAlias = npt.NDArray[np.float32]  # (k,), what each step added; aligned with Rows
Array: TypeAlias = npt.NDArray[Any]
