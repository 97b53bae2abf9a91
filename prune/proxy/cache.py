"""The cache of images: each decoded and shrunk once, as the uint8 column that all epochs read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from prune.core.arrays import Images
from prune.core.column_name import ColumnName
from prune.core.progress import SILENT, Advance, Reporter
from prune.modalities.image import Crop, read_images
from prune.modalities.image.batches import Batch, ImageSource, decoding_of
from prune.store import PART_ROWS, Carry, Column, ColumnPart, ColumnWriter, Dataset, Store, nothing_carried
from prune.system.disk_space import require_room

VERSION = 2  # raised when the same images would give other pixels, or other parts
_PART_BYTES = 64 << 20  # in memory at once
_LEAST_ROWS = 256


def cache_images(
    store: Store,
    reader: ImageSource,
    dataset: Dataset,
    size: int,
    *,
    workers: int = 0,
    reporter: Reporter = SILENT,
    carry: Carry = nothing_carried,
) -> Column:
    """Write the column `images.<size>`: uint8 (n, 3, size, size), or go on with it.

    The shorter side becomes `size` pixels, then the centre is cut out. Samples that cannot be decoded are
    zeros and stand in `column.rejects`. Memory: one part, 64 MiB or 256 images.

    Parameters
    ----------
    carry
        Gives the rows of an earlier state of the dataset: these are not read.

    Returns
    -------
    Column
        Finished, to be published under `identity(column.recipe)`.

    Raises
    ------
    OutputError
        The images will not fit on the disk.
    """
    recipe = images_recipe(dataset, size) | decoding_of(reader).recipe
    writer = store.write_column(ColumnName.images(size), recipe, rows=len(dataset), part_rows=part_rows(size))
    missing = list(writer.missing())
    carried = carry(writer.name, recipe) if missing else None
    writer.overlay = None if carried is None else carried.over
    left = sum(p.stop - p.start for p in missing)
    require_room(writer.folder, left * 3 * size**2)
    with reporter.stage("caching images", left) as advance:
        for parts in _adjacent(missing):
            first, stop = parts[0].start, parts[-1].stop
            samples = dataset.samples.slice(first, stop - first)
            samples = samples if carried is None else carried.unread(samples, first)
            values = np.empty((writer.part_rows, 3, size, size), np.uint8)
            crop = Crop(size, size)
            batches = read_images(reader, samples, crop, workers=workers, say=reporter.say)
            with contextlib.closing(batches):  # type: ignore[type-var]
                _write_parts(writer, parts, batches, values, advance)
    return writer.finish()


def part_rows(size: int) -> int:
    """Return the images of a part: about 64 MiB, a multiple of 256, from 256 to 65,536."""
    fitting = _PART_BYTES // (3 * size**2) // _LEAST_ROWS * _LEAST_ROWS
    return min(max(fitting, _LEAST_ROWS), PART_ROWS)


def _adjacent(missing: list[ColumnPart]) -> Iterator[list[ColumnPart]]:
    """Yield runs of parts without a gap: each is one stream, for which workers start once."""
    run: list[ColumnPart] = []
    for part in missing:
        if run and run[-1].stop != part.start:
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _write_parts(
    writer: ColumnWriter, parts: list[ColumnPart], batches: Iterator[Batch], values: Images, advance: Advance
) -> None:
    """Fill `values` with the images of one part after the other; a batch may reach into the next part."""
    todo = iter(parts)
    part, row = next(todo), parts[0].start
    rejects: dict[int, str] = {}
    for position, images, reasons in batches:
        assert position == row - parts[0].start, "images come in order"
        rejects |= {parts[0].start + place: reason for place, reason in reasons.items()}
        while len(images):
            taken = images[: part.stop - row]
            values[row - part.start : row - part.start + len(taken)] = taken
            images, row = images[len(taken) :], row + len(taken)
            advance(len(taken))
            if row == part.stop:
                here = {place: why for place, why in rejects.items() if part.start <= place < row}
                writer.put(part, values[: row - part.start], here)
                rejects = {place: why for place, why in rejects.items() if place >= row}
                part = next(todo, part)


def images_recipe(dataset: Dataset, size: int) -> dict[str, Any]:
    """Return the recipe of `images.<size>`."""
    return {"column": "images", "version": VERSION, "data": dataset.fingerprint, "resize": size, "size": size}
