"""Training processes side by side: which of how many this is, and how samples are shared out among them."""

from __future__ import annotations

import os
from typing import Literal

import torch.distributed

from prune.core.errors import OptionError
from prune.loaders.option_checks import whole_number

Even = Literal["no", "repeat", "drop"]


def rank_and_world(rank: int | None, world: int | None) -> tuple[int, int]:
    """Return the rank of this process and the number of all.

    What is given holds; else what torch.distributed was initialised with; else `RANK` and `WORLD_SIZE`, as
    torchrun sets them; else one process alone.

    Raises
    ------
    OptionError
        One of the two was given, or they do not go together.
    """
    if (rank is None) != (world is None):
        raise OptionError(f"rank={rank} and world={world}: one without the other", "give both, or none")
    if rank is None or world is None:
        rank, world = _known()
    return checked_ranks(rank, world)


def checked_ranks(rank: int, world: int) -> tuple[int, int]:
    """Return a rank and the number of ranks, if they go together.

    Raises
    ------
    OptionError
        They do not.
    """
    rank, world = whole_number("rank", rank), whole_number("world", world, 1)
    if rank >= world:
        raise OptionError(f"rank={rank} of world={world}", "ranks count from 0: rank=0, world=1")
    return rank, world


def shared_out(n: int, world: int, even: Even) -> int:
    """Return how many of n samples all ranks have together; those that come again count again."""
    if even == "drop":
        return n - n % world
    return -(-n // world) * world if even == "repeat" else n


def _known() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1
