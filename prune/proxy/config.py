"""How a proxy is trained: every number that shapes its trace, and nothing that does not."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from prune.core.column_name import EMBEDDING, IMAGES, NGRAMS
from prune.core.epochs import early_epoch, error_epoch
from prune.core.errors import OptionError

LINEAR = "linear"  # the proxy that looks at an embedding
NGRAM = "ngram"  # the proxy that looks at texts


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How a proxy is trained. The defaults suit `resnet8` on 32-pixel images and a CPU; see `Training.of`."""

    proxy: str = "resnet8"  # a name in PROXIES, or a torchvision classification model
    epochs: int = 10  # ≥ 1
    batch: int = 128  # samples a step at most, ≥ 2; fewer where an epoch would have less than 16 steps
    peak_lr: float = 0.2  # > 0; SGD with Nesterov momentum (`ngram`: Adagrad), a linear rise and fall
    momentum: float = 0.9  # in [0, 1)
    weight_decay: float = 5e-4  # ≥ 0; on weights, not on biases and normalisations
    warmup: float = 0.2  # fraction of all steps until the peak, in [0, 1]
    size: int = 32  # pixels a side, in [4, 1024]
    flip: bool = True  # mirror every other image
    crop: int = 4  # pixels that an image is moved by at most, edges reflected, in [0, size)
    seed: int = 0  # ≥ 0; initial weights, order, augmentation
    stop: int | None = None  # the epoch it ends after, before the schedule does; in [1, epochs)

    @classmethod
    def of(cls, proxy: str = "resnet8", **given: Any) -> Training:
        """Return what suits `proxy`, but for what is given; None stands for not given.

        Raises
        ------
        OptionError
            A number is out of its range.
        """
        said = {name: value for name, value in given.items() if value is not None}
        chosen = {**_SUITED.get(proxy, _OTHERS), **said}
        if "crop" not in chosen and "size" in chosen:
            chosen["crop"] = max(0, int(chosen["size"]) // 8)
        return cls(proxy=proxy, **chosen)

    @property
    def looks_at(self) -> str:
        """The kind of column that the proxy looks at."""
        return {LINEAR: EMBEDDING, NGRAM: NGRAMS}.get(self.proxy, IMAGES)

    @property
    def of_images(self) -> bool:
        """Whether the proxy looks at images."""
        return self.looks_at == IMAGES

    @property
    def last(self) -> int:
        """The epoch that it ends after: how many its trace has."""
        return self.epochs if self.stop is None else self.stop

    @property
    def recipe(self) -> dict[str, Any]:
        """All that shapes the trace, as JSON."""
        fields = asdict(self)
        return fields if self.stop is not None else {k: v for k, v in fields.items() if k != "stop"}

    def __post_init__(self) -> None:
        whole = {"epochs": 1, "batch": 2, "size": 4, "crop": 0, "seed": 0}
        for name, least in whole.items():
            if getattr(self, name) < least:
                raise OptionError(f"{name} is {getattr(self, name)}, but must be at least {least}")
        for name in ("peak_lr", "momentum", "weight_decay", "warmup"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise OptionError(f"{name} is {getattr(self, name)}, but must be a number of at least 0")
        for name, inside in (
            ("peak_lr", self.peak_lr > 0),
            ("momentum", self.momentum < 1),
            ("warmup", self.warmup <= 1),
            ("size", self.size <= 1024),
            ("crop", self.crop < self.size),
            ("stop", self.stop is None or 1 <= self.stop < self.epochs),
        ):
            if not inside:
                raise OptionError(f"{name} is {getattr(self, name)}, which is out of its range")


_SUITED: dict[str, dict[str, Any]] = {
    "resnet8": {},
    "resnet9": {"batch": 512, "peak_lr": 0.4},
    "resnet20": {"peak_lr": 0.2},
    "mlp": {"peak_lr": 0.05},
    "lenet": {"peak_lr": 0.05},
    LINEAR: {"peak_lr": 0.02, "flip": False, "crop": 0},
    NGRAM: {"batch": 256, "peak_lr": 0.05, "momentum": 0.0, "weight_decay": 0.0, "flip": False, "crop": 0},
}
_OTHERS = {"peak_lr": 0.05}  # networks of torchvision


def kept_epochs(epochs: int) -> list[int]:
    """Return the epochs whose weights stay in the store whatever their size."""
    return sorted({early_epoch(epochs), epochs})


def stored_epochs(training: Training, size: int) -> list[int]:
    """Return the epochs whose weights, of so many bytes, a training leaves: all where they are small.

    With them samples that come later can be looked at as at every epoch. Of larger networks those that are
    always kept, and the one that scores of the error look at.
    """
    if size * training.epochs <= _SMALL:
        return list(range(1, training.last + 1))
    more = {error_epoch(training.last)} if training.stop is None else set[int]()
    return sorted({*kept_epochs(training.last), *more})


_SMALL = 64 << 20  # bytes of the weights of all epochs: `resnet8` has 1.2 million an epoch
