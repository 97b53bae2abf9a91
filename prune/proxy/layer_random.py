"""Random numbers of a layer, such as dropout's, that do not depend on what other threads draw meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from prune.proxy.torch_device import generator

_LENT = threading.Lock()  # torch's own generator, from which layers draw, is one for all threads


class LayerDraws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While this is entered, what torch draws in this thread on a CPU follows from the facts alone.

    For the time of one draw torch's generator gets the state of this one, and then its own back.
    """

    def __init__(self, *facts: object) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._state = generator(*facts).get_state()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do what torch was asked to do; what is random, with our state."""
        act: Callable[..., Any] = func
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return act(*args, **(kwargs or {}))
        with _LENT:
            before = torch.default_generator.get_state()
            torch.default_generator.set_state(self._state)
            try:
                return act(*args, **(kwargs or {}))
            finally:
                self._state = torch.default_generator.get_state()
                torch.default_generator.set_state(before)
