"""EfficientNet-Lite0: the layers, named as in the state dicts that are around."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from prune.encoders.network import Network, described, drawn
from prune.encoders.weights import fit, read
from prune.modalities.image import Crop

_EPSILON = 1e-3  # of TensorFlow's batch normalisation, which the weights were trained with
_STEM, _HEAD, _CLASSES = 32, 1280, 1000
_STAGES = (  # blocks, kernel, stride of the first, widening inside, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_CROP = Crop(256, 224, "bicubic")
_MEAN, _STD = 127 / 255, 128 / 255  # of every channel, as it was trained


def open_efficientnet_lite(weights: str, device: str, seed: int, say: Callable[[str], None]) -> Network:
    """Build the network without its head, with the weights in a file, or `random`.

    Raises
    ------
    OptionError
        As `prune.encoders.efficientnet_lite0`.
    """
    name = "efficientnet_lite0"
    module = drawn(EfficientNetLite, seed)
    module._fc = nn.Identity()  # type: ignore[assignment]
    if weights != "random":
        fit(module, read(Path(weights)), name, "_fc")
    network = Network(
        module, name=name, crop=_CROP, mean=(_MEAN,) * 3, std=(_STD,) * 3, device=device, say=say
    )
    network.described = described(_CROP, (_MEAN,) * 3, (_STD,) * 3, pooling="avg")
    return network


class EfficientNetLite(nn.Module):
    """A network of 4.7 million weights that maps (b, 3, 224, 224) to (b, 1000)."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SamePadded(3, _STEM, 3, 2)
        self._bn0 = nn.BatchNorm2d(_STEM, _EPSILON)
        self._blocks = nn.ModuleList(_blocks())
        self._conv_head = _SamePadded(_STAGES[-1][-1], _HEAD, 1)
        self._bn1 = nn.BatchNorm2d(_HEAD, _EPSILON)
        self._fc = nn.Linear(_HEAD, _CLASSES)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what the last layer says of the mean over all places."""
        seen = functional.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            seen = block(seen)
        seen = functional.relu6(self._bn1(self._conv_head(seen)))
        named: Tensor = self._fc(seen.mean((2, 3)))
        return named


class _SamePadded(nn.Conv2d):
    """A convolution padded as TensorFlow does: where the padding is odd, one more at the right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, seen: Tensor) -> Tensor:
        sides = []
        for length in (seen.shape[3], seen.shape[2]):
            kernel, stride = self.kernel_size[0], self.stride[0]
            padding = max((-(-length // stride) - 1) * stride + kernel - length, 0)
            sides += [padding // 2, padding - padding // 2]
        return super().forward(functional.pad(seen, sides) if any(sides) else seen)


class _Block(nn.Module):
    """Widen, look around channel by channel, narrow; added to what came in where that has the same shape."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        wide = inputs * widening
        self._widens, self._adds = widening > 1, stride == 1 and inputs == outputs
        if self._widens:
            self._expand_conv = _SamePadded(inputs, wide, 1)
            self._bn0 = nn.BatchNorm2d(wide, _EPSILON)
        self._depthwise_conv = _SamePadded(wide, wide, kernel, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, _EPSILON)
        self._project_conv = _SamePadded(wide, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, _EPSILON)

    def forward(self, came: Tensor) -> Tensor:
        seen = functional.relu6(self._bn0(self._expand_conv(came))) if self._widens else came
        seen = functional.relu6(self._bn1(self._depthwise_conv(seen)))
        seen = self._bn2(self._project_conv(seen))
        return seen + came if self._adds else seen


def _blocks() -> list[_Block]:
    widths = [_STEM, *(stage[-1] for stage in _STAGES)]
    found = []
    for (inputs, outputs), (count, kernel, stride, widening, _) in zip(
        itertools.pairwise(widths), _STAGES, strict=True
    ):
        found.append(_Block(inputs, outputs, kernel, stride, widening))
        found += [_Block(outputs, outputs, kernel, 1, widening) for _ in range(count - 1)]
    return found
