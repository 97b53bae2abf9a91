"""Which of how many training processes this is: as said, as torch.distributed or the environment knows it."""

from __future__ import annotations

import os

import torch.distributed

from prune.core.errors import OptionError


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
    if not 0 <= rank < world:
        raise OptionError(f"rank={rank} of world={world}", "ranks count from 0: rank=0, world=1")
    return rank, world


def _known() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    try:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        return 0, 1
