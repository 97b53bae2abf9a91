from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from prune.proxy.inputs import Inputs, Moves

CPU = torch.device("cpu")


def test_channels_are_brought_to_mean_0_and_deviation_1(made: Callable[..., Any]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (50, 3, 8, 8), dtype=np.uint8)
    values[:, 2] = 9  # a channel without information
    _, dataset, column = made(values, [0, 1] * 25, bad={4: "broken"}, part_rows=16)
    inputs = Inputs(column, dataset, CPU)
    assert 4 not in inputs.rows
    seen = inputs.normalise(inputs.take(inputs.rows))
    torch.testing.assert_close(seen.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        seen.std((0, 2, 3), correction=0), torch.tensor([1.0, 1.0, 0.0]), atol=1e-5, rtol=0
    )


def test_rows_are_taken_across_parts_in_the_order_asked(made: Callable[..., Any]) -> None:
    values = np.arange(40, dtype=np.float32).reshape(20, 2)
    _, dataset, column = made(values, [0] * 20, part_rows=6)
    rows = np.array([19, 0, 7, 7, 6, 5])
    taken = Inputs(column, dataset, CPU).take(rows)
    np.testing.assert_array_equal(taken.numpy(), values[rows])


def test_images_are_moved_with_reflected_edges_and_mirrored() -> None:
    line = torch.arange(5, dtype=torch.uint8)
    images = (10 * line[:, None] + line).expand(3, 3, 5, 5)
    moves = Moves(torch.tensor([[0, 0], [1, -2], [-2, 1]]), torch.tensor([False, False, True]))
    found = moves.apply(images)[:, 0]
    assert torch.equal(found[0], images[0, 0])
    assert found[1].tolist() == [[10 * r + c for c in (2, 1, 0, 1, 2)] for r in (1, 2, 3, 4, 3)]
    assert found[2].tolist() == [[10 * r + c for c in (3, 4, 3, 2, 1)] for r in (2, 1, 0, 1, 2)]


def test_moves_stay_within_the_crop() -> None:
    moves = Moves.draw(500, crop=2, flip=True, source=torch.Generator().manual_seed(0))
    assert moves.shifts.unique().tolist() == [-2, -1, 0, 1, 2]
    assert 200 < moves.mirrored.sum() < 300
    assert not Moves.draw(50, crop=0, flip=False, source=torch.Generator()).mirrored.any()
