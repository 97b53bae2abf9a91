"""Inputs of a proxy: batches of images, embeddings or ids of n-grams, on the device; images are moved too."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from prune.core.arrays import Array, Rows
from prune.core.column_name import OF_IDS, ColumnName
from prune.core.errors import DataError
from prune.core.progress import SILENT
from prune.proxy.micro_batch import MicroBatch
from prune.store import Column, Dataset

_MEASURED = 65_536  # samples at most, evenly spread, from which mean and deviation are taken
_BLOCK = 4096  # samples measured at once
_UNLABELLED = "prune embed DATA, then a selector that needs no score, such as --method kcenter"
_RESIDENT = 0.5  # of the free memory of a GPU that the whole column may fill


class Inputs:
    """A column, ready to be fed: uint8 images (n, 3, s, s), embeddings (n, d), or ids of n-grams (n, L).

    Parameters
    ----------
    column
        Finished, and as long as the dataset; its rejects are left out.
    dataset
        Whose labels are learnt.
    device
        Where batches go; a GPU holds the whole column if it fits.
    like
        What a proxy has learnt from, where it is to see these samples in the same way: their mean and
        deviation, their classes. Labels are not needed then.
    say
        Told when the device's memory is short.

    Raises
    ------
    DataError
        No usable sample has a label, or an embedding is not finite.
    """

    def __init__(
        self,
        column: Column,
        dataset: Dataset,
        device: torch.device,
        *,
        like: Inputs | None = None,
        say: Callable[[str], None] = SILENT.say,
    ) -> None:
        if len(column) != len(dataset):
            raise ValueError(f"{column.name} has {len(column)} rows, but the dataset has {len(dataset)}")
        self.column = column
        self.rows: Rows = np.setdiff1d(dataset.usable, np.array(list(column.rejects), np.int64))
        self.labels = torch.from_numpy(dataset.labels.astype(np.int64))  # (n,), −1 where there is none
        self.labelled = self.rows[dataset.labels[self.rows] >= 0]
        if like is None and not len(self.labelled):
            raise DataError("no usable sample has a label, but a proxy learns from labels", _UNLABELLED)
        own = max(len(dataset.classes), 2)  # two at least, so that every fact is defined
        self.classes: int = own if like is None else like.classes
        self.device = device
        self.micro_batch = MicroBatch(say)
        self.shape = column.shape[1:]
        self._blocks = [block for _, block in column.blocks()]
        seen = self._measure() if like is None else (like._centre, like._scale)
        self._centre: Tensor = seen[0].to(device)
        self._scale: Tensor = seen[1].to(device)
        self._resident = self._upload()

    @property
    def are_images(self) -> bool:
        """Whether samples are images."""
        return len(self.shape) == 3

    @property
    def are_ids(self) -> bool:
        """Whether samples are ids, which are fed as they are."""
        return ColumnName(self.column.name).kind in OF_IDS

    @property
    def form(self) -> tuple[int, ...]:
        """What a network is built for: the shape of a sample; of ids, how many there are."""
        return (int(self.column.recipe["buckets"]),) if self.are_ids else self.shape

    def only(self, *, learnt: Rows, watched: Rows) -> Inputs:
        """Return the same with fewer rows: those to learn from, if they have labels, and to look at."""
        fewer = copy.copy(self)
        fewer.labelled = np.intersect1d(self.labelled, learnt)
        fewer.rows = np.intersect1d(self.rows, watched)
        if not len(fewer.labelled):
            raise ValueError(f"none of {len(learnt)} samples to learn from has a label")
        return fewer

    def scaled(self, mean: Sequence[float] | None, std: Sequence[float] | None) -> Inputs:
        """Return the same images with another mean and deviation: one or three, of pixels from 0 to 1."""
        other = copy.copy(self)
        if mean is not None:
            other._centre = (255 * torch.tensor(mean)).reshape(-1, 1, 1).to(self.device)
        if std is not None:
            other._scale = (255 * torch.tensor(std)).reshape(-1, 1, 1).to(self.device)
        return other

    def at(self, rows: Rows) -> Inputs:
        """Return the same where only these of the rows are looked at."""
        fewer = copy.copy(self)
        fewer.rows = np.intersect1d(self.rows, rows)
        return fewer

    def without(self, rows: Rows) -> Inputs:
        """Return the same where these rows are not looked at."""
        return self.at(np.setdiff1d(self.rows, rows))

    @property
    def frame(self) -> bytes:
        """How samples are normalised, as a safetensors file."""
        frame = {"centre": self._centre, "scale": self._scale}
        data: bytes = safetensors.torch.save(
            {name: value.cpu().contiguous() for name, value in frame.items()}
        )
        return data

    def framed(self, frame: bytes) -> Inputs:
        """Return the same samples, normalised as those of another `Inputs` that gave this `frame`."""
        tensors, other = safetensors.torch.load(frame), copy.copy(self)
        other._centre, other._scale = (tensors[name].to(self.device) for name in ("centre", "scale"))
        return other

    def take(self, rows: Rows) -> Tensor:
        """Return the samples of `rows` on the device, as they are stored."""
        if self._resident is not None:
            return self._resident[torch.from_numpy(rows).to(self.device)]
        return torch.from_numpy(self._gather(rows)).to(self.device)

    def normalise(self, samples: Tensor) -> Tensor:
        """Return float32 of mean 0 and deviation 1 a channel (images, channels last) or dimension; or ids."""
        if self.are_ids:
            return samples
        scaled = (samples.float() - self._centre) / self._scale
        return scaled.contiguous(memory_format=torch.channels_last) if self.are_images else scaled

    def _gather(self, rows: Rows) -> Array:
        numbers = rows // self.column.part_rows
        if len(rows) and (numbers == numbers[0]).all():
            first = int(numbers[0])
            return self._blocks[first][rows - first * self.column.part_rows]
        taken = np.empty((len(rows), *self.shape), self.column.dtype)
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            taken[here] = self._blocks[number][rows[here] - number * self.column.part_rows]
        return taken

    def _measure(self) -> tuple[Tensor, Tensor]:
        if self.are_ids:
            return torch.zeros(()), torch.ones(())
        step = -(-len(self.rows) // _MEASURED) if self.are_images else 1
        rows = self.rows[::step]
        axes = (0, 2, 3) if self.are_images else (0,)
        total: Array = np.zeros(self.shape[0], np.float64)
        squares = np.zeros_like(total)
        for start in range(0, len(rows), _BLOCK):
            block = self._gather(rows[start : start + _BLOCK]).astype(np.float64)
            total += block.sum(axis=axes)
            squares += np.square(block).sum(axis=axes)
        if not np.isfinite(squares).all():
            raise DataError(
                f"column {self.column.name} holds numbers that are not finite",
                "compute it again, or choose another one with --on",
            )
        count = max(len(rows), 1) * int(np.prod(self.shape[1:]))
        centre = total / count
        spread = np.sqrt(np.maximum(squares / count - centre**2, 0.0))
        spread[spread < 1e-6] = 1.0  # a channel that never changes carries nothing; leave it at zero
        form = (-1, 1, 1) if self.are_images else (-1,)
        one, two = (torch.from_numpy(a.astype(np.float32).reshape(form)) for a in (centre, spread))
        return one, two

    def _upload(self) -> Tensor | None:
        if self.device.type != "cuda":
            return None
        size = self.column.dtype.itemsize * int(np.prod(self.column.shape))
        if size > _RESIDENT * torch.cuda.mem_get_info(self.device)[0]:
            return None
        kind = torch.from_numpy(np.empty(0, self.column.dtype)).dtype
        try:
            whole = torch.empty(self.column.shape, dtype=kind, device=self.device)
        except torch.OutOfMemoryError:  # another program was faster
            return None
        for number, block in enumerate(self._blocks):
            start = number * self.column.part_rows
            whole[start : start + len(block)] = torch.from_numpy(np.array(block))
        return whole


@dataclass(frozen=True)
class Moves:
    """How each image of an epoch is moved and mirrored."""

    shifts: Tensor  # (b, 2), rows and columns, in [−crop, crop]
    mirrored: Tensor  # (b,) bool

    @classmethod
    def draw(cls, n: int, *, crop: int, flip: bool, source: torch.Generator) -> Moves:
        """Draw the moves of `n` images."""
        shifts = torch.randint(-crop, crop + 1, (n, 2), generator=source)
        coins = torch.randint(0, 2, (n,), generator=source).bool()
        return cls(shifts, coins if flip else torch.zeros_like(coins))

    def part(self, start: int, stop: int) -> Moves:
        """Return the moves of some images."""
        return Moves(self.shifts[start:stop], self.mirrored[start:stop])

    def apply(self, images: Tensor) -> Tensor:
        """Return images (b, 3, s, s), moved with reflected edges, then mirrored."""
        size, device = images.shape[-1], images.device
        line = torch.arange(size, device=device)
        mirrored = self.mirrored.to(device)[:, None]
        shifts = self.shifts.to(device)
        down = _reflect(shifts[:, :1] + line, size)
        across = _reflect(shifts[:, 1:] + torch.where(mirrored, line.flip(0), line), size)
        place = torch.arange(len(images), device=device)[:, None, None]
        moved = images.permute(0, 2, 3, 1)[place, down[:, :, None], across[:, None, :]]
        return moved.permute(0, 3, 1, 2)


def _reflect(places: Tensor, size: int) -> Tensor:
    """Fold places outside [0, size) back, without repeating the edge."""
    return (size - 1) - ((size - 1) - places.abs()).abs()
