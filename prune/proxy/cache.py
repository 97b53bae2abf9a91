"""Every image once, decoded and shrunk: the uint8 column that all epochs read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from prune.arrays import Images
from prune.images import Crop, read_images
from prune.images.batches import Batch, Source
from prune.progress import SILENT, Advance, Reporter
from prune.store import Column, ColumnWriter, Dataset, Part, Store

VERSION = 1  # raised when the same images would give other pixels


def cache_images(
    store: Store,
    reader: Source,
    dataset: Dataset,
    size: int,
    *,
    workers: int = 0,
    reporter: Reporter = SILENT,
) -> Column:
    """Write the column `images.<size>`: uint8 (n, 3, size, size), or go on with it.

    The shorter side becomes `size` pixels, then the centre is cut out. Samples that cannot be decoded are
    zeros and stand in `column.rejects`.

    Returns
    -------
    Column
        Finished, to be published under `identity(column.recipe)`.
    """
    recipe = images_recipe(dataset, size)
    writer = store.write_column(f"images.{size}", recipe, rows=len(dataset))
    missing = list(writer.missing())
    with reporter.stage("caching images", sum(p.stop - p.start for p in missing)) as advance:
        for part in missing:
            samples = dataset.samples.slice(part.start, part.stop - part.start)
            batches = read_images(reader, samples, Crop(size, size), workers=workers)
            _write_part(writer, part, batches, advance)
    return writer.finish()


def _write_part(writer: ColumnWriter, part: Part, batches: Iterator[Batch], advance: Advance) -> None:
    blocks: list[Images] = []
    rejects: dict[int, str] = {}
    for position, images, reasons in batches:
        assert position == sum(map(len, blocks)), "images come in order"
        blocks.append(images)
        rejects |= {part.start + place: reason for place, reason in reasons.items()}
        advance(len(images))
    writer.put(part, np.concatenate(blocks), rejects)


def images_recipe(dataset: Dataset, size: int) -> dict[str, Any]:
    """Return the recipe of `images.<size>`."""
    return {"column": "images", "version": VERSION, "data": dataset.fingerprint, "resize": size, "size": size}
