"""A network in several copies, one for each thread: the weights are shared, all else is a copy's own."""

from __future__ import annotations

import contextlib
import copy
import queue
from collections.abc import Iterator

import torch
from torch import nn

from prune.core.errors import OptionError
from prune.proxy.user_network import guarded
from prune.system.cores import thread_count


class Copies:
    """As many copies as may run side by side; each is lent to one at a time.

    Parameters
    ----------
    model
        On a GPU, and where it cannot be copied or watches itself by hooks, itself is the only one.
    most
        How many have something to do.
    training
        Copies are made in any case: batch normalisation changes their buffers, not those of `model`.

    Attributes
    ----------
    threads
        How many there are.
    """

    def __init__(self, model: nn.Module, device: torch.device, most: int, *, training: bool = False) -> None:
        wanted = max(1, min(most, thread_count())) if device.type == "cpu" else 1
        models = [model]
        if training or (wanted > 1 and _may_be_copied(model)):
            first = _copied(model)
            if first is not None:
                models = [first, *(copied for _ in range(wanted - 1) if (copied := _copied(model)))]
        self.threads = len(models)
        self._spare: queue.LifoQueue[nn.Module] = queue.LifoQueue()
        for one in models:
            self._spare.put(one)

    @contextlib.contextmanager
    def one(self) -> Iterator[nn.Module]:
        """Lend a copy."""
        model = self._spare.get()
        try:
            yield model
        finally:
            self._spare.put(model)


def _may_be_copied(model: nn.Module) -> bool:
    """Whether what a copy does stays within it: hooks may be functions that write somewhere else."""
    return not any(
        isinstance(module, torch.jit.ScriptModule) or module._forward_hooks or module._forward_pre_hooks
        for module in model.modules()
    )


def _copied(model: nn.Module) -> nn.Module | None:
    """Return a copy whose weights lie where the model's lie; None where the network cannot be copied."""
    weights = {
        id(weight): nn.Parameter(weight.detach(), requires_grad=weight.requires_grad)
        for weight in model.parameters()
    }
    try:
        made: nn.Module = guarded("the network cannot be copied", lambda: copy.deepcopy(model, weights))
    except OptionError:
        return None
    return made
