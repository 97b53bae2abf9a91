"""Batches of a loader, in the shapes that people use; and numbers for samples without a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from prune.core.errors import OptionError

Unpacked: TypeAlias = tuple[Any, Any, Any]  # what the model is given, labels or None, keys or rows
Unpack: TypeAlias = Callable[[Any], Unpacked]

_SAMPLES = ("key", "keys", "row", "rows", "__key__")
_LABELS = ("labels", "label", "y", "target", "targets")
_NUMBERED = "DataLoader(prune.trace.numbered(dataset), …), where the dataset has the order of the store"


class _Numbered(torch.utils.data.Dataset[Any]):
    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        sample = self.dataset[row]
        if isinstance(sample, Mapping):
            return {**sample, "row": row}
        return (*sample, row)


def numbered(dataset: Any) -> torch.utils.data.Dataset[Any]:
    """Return a map-style dataset whose samples carry their row: (input, label) becomes (input, label, row).

    For datasets in the order of the store; whether that is so shows when the labels are compared.
    """
    return _Numbered(dataset)


def unpack(batch: Any) -> Unpacked:
    """Take a batch apart: (inputs, labels, keys or rows), or a mapping with such entries.

    Of a mapping, `key`, `keys`, `row` or `rows` name the samples, `labels` or `label` is the label, and the
    rest is given to the model by name.

    Raises
    ------
    OptionError
        It is neither, or does not name its samples.
    """
    if isinstance(batch, Mapping):
        return _of_mapping(batch)
    if isinstance(batch, Sequence) and not isinstance(batch, str) and len(batch) == 3:
        return batch[0], batch[1], batch[2]
    found = f"{len(batch)} things" if isinstance(batch, Sequence) else f"a {type(batch).__name__}"
    raise OptionError(f"the loader yields {found}, but not (inputs, labels, keys or rows)", _NUMBERED)


def run(model: torch.nn.Module, inputs: Any) -> Any:
    """Call a model: a mapping by names, a tuple or list by places, anything else as it is."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, tuple | list):
        return model(*inputs)
    return model(inputs)


def moved(value: Any, device: torch.device) -> Any:
    """Return tensors, and what holds them, on a device."""
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, Mapping):
        return {name: moved(one, device) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(moved(one, device) for one in value)
    return value


def _of_mapping(batch: Mapping[str, Any]) -> Unpacked:
    rest = dict(batch)
    samples = next((rest.pop(name) for name in _SAMPLES if name in rest), None)
    labels = next((rest.pop(name) for name in _LABELS if name in rest), None)
    if samples is None:
        raise OptionError(
            f"the loader's batches have no key or row (they have: {', '.join(batch)})", _NUMBERED
        )
    return rest, labels, samples
