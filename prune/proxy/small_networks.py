"""The small networks of the house: each ends in one linear head on its penultimate feature."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def resnet8(size: int, classes: int) -> nn.Module:
    """Residual blocks of 32, 64 and 128 channels on a halved image: 0.3 M parameters."""
    del size
    return nn.Sequential(
        *_conv(3, 32, kernel=4, stride=2),
        Residual(32, 32),
        Residual(32, 64, stride=2),
        Residual(64, 128, stride=2),
        Mean(),
        nn.Linear(128, classes),
    )


def resnet9(size: int, classes: int) -> nn.Module:
    """The wide nine-layer net of the DAWNBench contests: 6.6 M parameters, for GPUs."""
    del size
    return nn.Sequential(
        *_conv(3, 64),
        *_conv(64, 128),
        nn.MaxPool2d(2, ceil_mode=True),
        Residual(128, 128),
        *_conv(128, 256),
        nn.MaxPool2d(2, ceil_mode=True),
        *_conv(256, 512),
        nn.MaxPool2d(2, ceil_mode=True),
        Residual(512, 512),
        Mean(),
        nn.Linear(512, classes),
    )


def resnet20(size: int, classes: int) -> nn.Module:
    """The net of He et al. for 32-pixel images, with 1×1 convolutions as shortcuts: 0.27 M parameters."""
    del size
    return nn.Sequential(
        *_conv(3, 16),
        *(Residual(16, 16) for _ in range(3)),
        *(Residual(32 if i else 16, 32, stride=1 if i else 2) for i in range(3)),
        *(Residual(64 if i else 32, 64, stride=1 if i else 2) for i in range(3)),
        Mean(),
        nn.Linear(64, classes),
    )


def lenet(size: int, classes: int) -> nn.Module:
    """Two convolutions and three linear layers, after LeNet-5, with ReLU and max pooling."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * (size // 4) ** 2, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, classes),
    )


def mlp(size: int, classes: int) -> nn.Module:
    """Two hidden layers of 512 and 256 on the pixels."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(3 * size**2, 512),
        nn.ReLU(),
        nn.Linear(512, 256),
        nn.ReLU(),
        nn.Linear(256, classes),
    )


class Residual(nn.Module):
    """Two 3×3 convolutions beside a shortcut, which is a 1×1 convolution where the shape changes."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(inside, outside, stride=stride),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            nn.BatchNorm2d(outside),
        )
        self.shortcut = nn.Sequential()
        if stride > 1 or inside != outside:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the rectified sum."""
        return functional.relu(self.body(x) + self.shortcut(x), inplace=True)


class Mean(nn.Module):
    """The mean over the pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, d, h, w) to (b, d)."""
        return x.mean((2, 3))


def _conv(inside: int, outside: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    ]
