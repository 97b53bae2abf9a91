"""Kept pictures of class folders as torchvision's own: an `ImageFolder` of all, and a `Subset` of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import Subset
from torchvision.datasets import ImageFolder as TorchvisionFolder
from torchvision.datasets.folder import default_loader

from prune.core.arrays import Weights
from prune.core.errors import OptionError
from prune.loaders.selected import SelectedSamples, selected
from prune.readers.folders.image_files import may_be_image
from prune.readers.imagefolder import ImageFolder
from prune.store import Store


def imagefolder(
    store: Store | str | Path = ".prune",
    selection: str | None = None,
    *,
    fraction: str | float | None = None,
    count: int | None = None,
    weights: bool = False,
    transform: Callable[[Any], Any] | None = None,
    target_transform: Callable[[Any], Any] | None = None,
    loader: Callable[[str], Any] = default_loader,
    data: str | Path | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Subset[Any]:
    """Return a `Subset` of torchvision's `ImageFolder`: the kept pictures, with the class ids of all.

    `.dataset` is the whole folder, and has `classes`, `class_to_idx` and so on.

    Parameters
    ----------
    store, selection, fraction, count, data, reading
        As of `dataset`.
    weights
        Whether a sample is (x, y, weight).
    transform, target_transform, loader
        As of `ImageFolder`.

    Raises
    ------
    OptionError
        The dataset is none of class folders; and as of `dataset`.
    StoreError, DataError
        As of `dataset`.
    """
    kept = selected(store, selection, fraction=fraction, count=count, data=data, reading=reading)
    root = _class_folders(kept)
    whole = _WholeFolder(root, kept, transform, target_transform, loader)
    places = {path: place for place, (path, _) in enumerate(whole.samples)}
    rows = [places[str(kept.reader.root / key)] for key in kept.kept.keys]
    return WeightedSubset(whole, rows, kept.weights) if weights else Subset(whole, rows)


class WeightedSubset(Subset[Any]):
    """A subset whose samples come with their weight, last."""

    def __init__(self, dataset: Any, indices: Sequence[int], weights: Weights) -> None:
        super().__init__(dataset, indices)
        self.weights = weights

    def __getitem__(self, place: Any) -> Any:
        return (*self.dataset[self.indices[place]], float(self.weights[place]))

    def __getitems__(self, places: list[int]) -> list[Any]:
        """Return several samples: a `DataLoader` asks so for those of a batch."""
        return [self[place] for place in places]


class _WholeFolder(TorchvisionFolder):  # type: ignore[misc] # torchvision has no types
    """All pictures of class folders, of all kinds that prune reads; the classes are those of the store."""

    def __init__(
        self,
        root: Path,
        kept: SelectedSamples,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
        loader: Callable[[str], Any],
    ) -> None:
        self._known = list(kept.kept.classes)
        odd = {str(kept.reader.root / key) for key in kept.kept.keys if not may_be_image(key)}
        super().__init__(
            str(root),
            transform,
            target_transform,
            loader,
            is_valid_file=lambda path: may_be_image(path) or path in odd,
            allow_empty=True,
        )

    def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
        """Return the classes, without folders in which there is no picture."""
        del directory
        return self._known, {name: id_ for id_, name in enumerate(self._known)}


def _class_folders(kept: SelectedSamples) -> Path:
    reader = kept.reader
    if not isinstance(reader, ImageFolder):
        raise OptionError(
            f"the dataset in {reader.root} is of format {reader.format}, not of class folders",
            "prune.loaders.dataset(…) reads it",
        )
    if reader.labels_described or reader.no_labels or (kept.kept.labels < 0).any():
        raise OptionError(
            f"the labels of {reader.root} are not the names of its folders",
            "prune.loaders.dataset(…) has them",
        )
    return reader.root / reader.within
