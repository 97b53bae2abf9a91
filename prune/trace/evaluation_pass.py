"""The clean pass over a user's loader: evaluation mode, no gradients, the head's input as the feature."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from prune.core.errors import OptionError
from prune.proxy.models import head_giving, linears, logits_of, watched
from prune.trace.batches import Unpack, moved, run

Head = nn.Module | Literal["last"] | None


def observed(
    model: nn.Module, loader: Iterable[Any], *, head: Head, unpack: Unpack, device: torch.device | None
) -> Iterator[tuple[Any, Any, Tensor, Tensor | None]]:
    """Yield (keys or rows, labels, logits, features) of every batch; the model is as it was when this ends.

    Raises
    ------
    OptionError
        No linear layer gives the logits; or a batch or the model's output has another shape.
    """
    model = getattr(model, "_orig_mod", model)  # compiled: its layers do not call their hooks
    place = device or next((p.device for p in model.parameters()), torch.device("cpu"))
    layers: Sequence[nn.Module] = [] if head is None else linears(model) if head == "last" else [head]
    with _evaluating(model), torch.no_grad():
        for batch in _apart(loader):
            inputs, labels, samples = unpack(batch)
            with watched(layers) as seen:
                logits = logits_of(run(model, moved(inputs, place)))
            if head == "last" and len(layers) != 1:
                layers = [head_giving(seen, logits, type(model).__name__)]
            features = _features(seen, layers[0], len(logits)) if layers else None
            yield samples, labels, logits, features


def _apart(loader: Iterable[Any]) -> Iterator[Any]:
    """Yield batches; a loader draws its seeds from torch's generator, which the training must not notice."""
    state, end = torch.get_rng_state(), object()
    batches: Iterator[Any] | None = None
    while True:
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(state)
            batches = iter(loader) if batches is None else batches
            batch = next(batches, end)
            state = torch.get_rng_state()
        if batch is end:
            return
        yield batch


def _features(seen: dict[nn.Module, tuple[Tensor, Any]], layer: nn.Module, b: int) -> Tensor:
    if layer not in seen or len(seen[layer][0]) != b:
        raise OptionError(
            f"the head, a {type(layer).__name__}, does not see one row a sample",
            "observe(…, head=None) goes without features",
        )
    return seen[layer][0].flatten(1)


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put every module into evaluation mode, and each back into its own after."""
    learning = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in learning:
            module.training = True
