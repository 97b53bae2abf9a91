"""Train on what prune kept: once from the exported shards, once from the source with `indices.npy` alone.

python examples/train.py shards pruned-webdataset
python examples/train.py indices FOLDER_OF_IMAGES .prune/selections/kcenter
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
import webdataset as wds
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

SIZE = 32


def to_tensor(image: Image.Image) -> torch.Tensor:
    """(3, SIZE, SIZE) floats around 0."""
    pixels = np.asarray(image.convert("RGB").resize((SIZE, SIZE)), np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1) / 128 - 1


def from_shards(folder: Path) -> DataLoader:
    """Samples of the exported shards: the plain webdataset library, nothing of prune."""

    def decode(sample: dict[str, bytes]) -> tuple[torch.Tensor, int]:
        image = next(data for name, data in sample.items() if name in {"jpg", "jpeg", "png", "webp", "bmp"})
        return to_tensor(Image.open(io.BytesIO(image))), int(sample["cls"])

    shards = sorted(str(path) for path in folder.glob("*.tar"))
    dataset = wds.WebDataset(shards, shardshuffle=False).shuffle(1000).map(decode)
    return DataLoader(dataset, batch_size=64)


class ImageFolder(Dataset):
    """The source, in prune's row order: by path."""

    def __init__(self, root: Path) -> None:
        self.paths = sorted(
            (p for p in root.rglob("*.*") if p.is_file()), key=lambda p: p.relative_to(root).parts
        )
        self.classes = sorted({p.relative_to(root).parts[0] for p in self.paths})
        self.root = root

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        path = self.paths[row]
        return to_tensor(Image.open(path)), self.classes.index(path.relative_to(self.root).parts[0])


def from_indices(root: Path, selection: Path) -> DataLoader:
    """The kept rows of the source: no copy of the data is needed."""
    kept = np.load(selection / "indices.npy")
    return DataLoader(Subset(ImageFolder(root), kept), batch_size=64, shuffle=True)


def train(loader: DataLoader, classes: int = 10, epochs: int = 2) -> float:
    """Train a small network; return the accuracy on what it was trained on."""
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, classes),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(epochs):
        right = seen = 0
        for images, labels in loader:
            logits = net(images)
            loss = nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += int((logits.argmax(1) == labels).sum())
            seen += len(labels)
    print(f"{seen} samples, accuracy {right / seen:.3f}")
    return right / seen


if __name__ == "__main__":
    how, *where = sys.argv[1:]
    train(from_shards(Path(where[0])) if how == "shards" else from_indices(Path(where[0]), Path(where[1])))
