"""How many payloads go through a network at once: fewer once the memory of its device was short."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from prune.core.errors import OptionError

Part = TypeVar("Part")


class AtOnce:
    """The network of an encoder on a device, and what was learned about the device's memory.

    Parameters
    ----------
    name, unit
        What the network is called, and a payload.
    count
        Payloads that go through it at once, at first.
    hint
        What to do where not even one fits.
    say
        Told when fewer go at once from here on.
    """

    def __init__(self, name: str, unit: str, count: int, hint: str, say: Callable[[str], None]) -> None:
        self.count = count
        self._name, self._unit, self._hint, self._say = name, unit, hint, say
        self._changing = threading.Lock()

    def moved(self, module: Any, device: Any, **layout: Any) -> Any:
        """Return a module on the device, in evaluation mode.

        Raises
        ------
        OptionError
            It does not fit.
        """
        import torch

        try:
            return module.eval().to(device, **layout)
        except torch.OutOfMemoryError as error:
            raise OptionError(f"the GPU's memory does not hold {self._name}", self._hint) from error

    def parts(self, n: int, embed: Callable[[slice], Part]) -> list[Part]:
        """Embed n payloads part by part, all of them again in smaller parts if the memory is short.

        Raises
        ------
        OptionError
            Not even one fits.
        """
        import torch

        while True:
            count = self.count
            try:
                return [embed(slice(start, start + count)) for start in range(0, n, count)]
            except torch.OutOfMemoryError as error:
                if count == 1:
                    what = f"the GPU's memory does not hold {self._name} and one {self._unit}"
                    raise OptionError(what, self._hint) from error
            self._shorten(count)  # out of the handler, whose traceback holds tensors

    def _shorten(self, tried: int) -> None:
        import torch

        with self._changing:
            if self.count < tried:  # another thread was faster
                return
            self.count = tried // 2
            few = f"{self.count} {self._unit}s at a time"
            self._say(f"the GPU's memory is short: {self._name} goes on with {few}")
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.empty_cache()
