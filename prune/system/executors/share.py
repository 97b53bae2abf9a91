"""The share of one of several runs that nobody schedules: its rank, and how many there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from prune.core.errors import OptionError

_ARRAY = (  # the rank, how many, and the first rank and the step between two
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_STEP",
)
_STARTED = ("RANK", "WORLD_SIZE")  # by torchrun and the like, within whatever Slurm began
_PLACED = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")  # by srun: a batch script has a rank as well, and no step
_ASKED_FOR = "SLURM_NTASKS"  # for the whole job, whatever was begun


@dataclass(frozen=True)
class RunShare:
    """Every `world`-th unit, from unit `rank` on."""

    rank: int
    world: int

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            what = f"--rank {self.rank} --world {self.world}: ranks count from 0 to {self.world - 1}"
            raise OptionError(what, f"--rank 0 --world {max(1, self.world)}")

    def has(self, unit: int) -> bool:
        """Whether a unit belongs to it."""
        return unit % self.world == self.rank


def share_of(rank: str | None, world: int | None, told: Mapping[str, str] = os.environ) -> RunShare | None:
    """Return the share that was typed; None where none was.

    Parameters
    ----------
    rank
        A number, or `auto`: as Slurm, torchrun or MPI starters say in the environment.

    Raises
    ------
    OptionError
        One is given without the other, or nothing in the environment says them.
    """
    if rank is None and world is None:
        return None
    if rank == "auto" and world is None:
        return _from_environment(told)
    if rank is None or world is None or not rank.isdecimal():
        typed = " ".join(f"--{name} {value}" for name, value in (("rank", rank), ("world", world)) if value)
        raise OptionError(f"{typed} does not say which share this is", "--rank 0 --world 4; or --rank auto")
    return RunShare(int(rank), world)


def _from_environment(told: Mapping[str, str]) -> RunShare:
    """Return the share of the nearest launcher, within that of a job array where it is one's."""
    array, nearest = _told(told, *_ARRAY), _told(told, *_STARTED) or _told(told, *_PLACED)
    if array is not None and nearest is not None:
        return RunShare(array.rank * nearest.world + nearest.rank, array.world * nearest.world)
    found = nearest or array
    if found is not None:
        return found
    if _PLACED[0] in told:  # the batch script itself, which runs once
        tasks = int(told.get(_ASKED_FOR, 1))
        if tasks > 1:
            what = f"--rank auto, and srun has begun none of the {tasks} tasks of this job"
            raise OptionError(what, "srun before the command, in the batch script; or --rank 0 --world 1")
        return RunShare(0, 1)
    names = ", ".join(f"{words[0]} and {words[1]}" for words in (_ARRAY, _PLACED, _STARTED))
    raise OptionError(f"--rank auto, and the environment has none of: {names}", "--rank 0 --world 4")


def _told(told: Mapping[str, str], rank: str, world: str, first: str = "", step: str = "") -> RunShare | None:
    if rank not in told or world not in told:
        return None
    return RunShare((int(told[rank]) - int(told.get(first, 0))) // int(told.get(step, 1)), int(told[world]))
