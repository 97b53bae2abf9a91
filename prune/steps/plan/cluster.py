"""A plan on machines like this one: what spreads over them, what each step is limited by, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prune.steps.plan.machine import NETWORK, Machine, gpu_rate
from prune.steps.plan.step_forecast import StepForecast, too_large

_UNSEEN = 4.0  # how far off what is said of a GPU may be that was not measured


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Machines like the one that was measured."""

    machine: Machine
    machines: int
    gpus: int  # of each; 0: as measured
    price: float | None  # an hour of a GPU, or of a machine without

    @property
    def unseen_gpu(self) -> bool:
        """Whether GPUs are asked for, and there is none to be measured."""
        return self.gpus > 0 and self.machine.device == "cpu"

    @property
    def network(self) -> float | None:
        """Bytes a second that each machine gets from shared storage; None: there is but one machine."""
        return NETWORK if self.machines > 1 else None

    def paid(self) -> int:
        """Return how many things have a price: GPUs, or machines."""
        return self.machines * max(self.gpus, 1)

    def placed(self, found: StepForecast) -> dict[str, Any]:
        """Return a step as it runs here, for JSON."""
        used = min(self.machines, found.units)
        workers = min(used * max(self.gpus, 1), found.units)
        seconds, wide = self._seconds(found), found.spread * (_UNSEEN if self._moves(found) else 1.0)
        limits = found.limits(self.machine, self.network)
        if self.unseen_gpu:
            limits["compute"] = found.flops / gpu_rate()
        limits = {name: of / (workers if name == "compute" else used) for name, of in limits.items()}
        limit = max(limits, key=lambda name: limits[name])
        if seconds is not None:
            seconds = max(seconds * self._left(found, workers), limits.get("network", 0.0))
        why = too_large(found, self.machine)
        return {
            "step": found.step,
            "verb": found.verb,
            "seconds": seconds,
            "low": None if seconds is None else seconds / wide,
            "high": None if seconds is None else seconds * wide,
            "stages": dict(found.stages),
            "memory": found.memory,
            "disk": found.disk,
            "read": round(found.read),
            "operations": found.flops,
            "limit": limit if limits[limit] > 0 else None,
            "ratio": seconds / limits[limit] if seconds is not None and limits[limit] > 0 else None,
            "machines": used,
            "mode": found.mode,
            "why": found.why,
            "fits": why is None,
            "problem": why,
            "advice": found.advice,
        }

    def _left(self, found: StepForecast, workers: int) -> float:
        """Return what is left of the time of one worker where units run side by side."""
        whole, places = sum(found.stages.values()), self.machines * max(self.gpus, 1)
        if not found.apart or not whole:
            return 1 / workers
        beside = {stage: min(places, found.apart.get(stage, 1)) for stage in found.stages}
        return sum(seconds / beside[stage] for stage, seconds in found.stages.items()) / whole

    def _moves(self, found: StepForecast) -> bool:
        return self.unseen_gpu and found.flops > 0

    def _seconds(self, found: StepForecast) -> float | None:
        """Return the seconds of one machine; what torch computes is quicker on a GPU, all else is not."""
        if found.seconds is None or not self._moves(found):
            return found.seconds
        here = min(found.seconds, found.flops / self.machine.flops)  # what products take of it, at the least
        return found.seconds - here + found.flops / gpu_rate()


def in_all(steps: Sequence[Mapping[str, Any]], cluster: Cluster) -> dict[str, Any]:
    """Return time, memory, disk and money of all steps, one after the other."""
    known = [step for step in steps if step["seconds"] is not None]
    whole = len(known) == len(steps)
    time: dict[str, float | None] = {
        name: sum(step[name] for step in known) if whole else None for name in ("seconds", "low", "high")
    }
    hour = None if cluster.price is None else cluster.price * cluster.paid() / 3600
    money = {name: None if of is None or hour is None else of * hour for name, of in time.items()}
    return {
        **time,
        "memory": max(step["memory"] for step in steps),
        "disk": sum(step["disk"] for step in steps),
        "cost": None if money["seconds"] is None else {"likely": money["seconds"], **_ends(money)},
    }


def _ends(money: Mapping[str, float | None]) -> dict[str, float | None]:
    return {"low": money["low"], "high": money["high"]}
