"""A dataset becomes a column: the same bytes whatever the workers and the interruptions."""

import numpy as np
import pytest
import torch
from torch import nn

from prune.core.errors import DataError
from prune.encoders import encode_dataset
from prune.encoders.image_encoder import ImageEncoder
from prune.encoders.network import Network
from prune.modalities.image import Crop, read_images


class Sums(ImageEncoder):
    """An encoder whose answer shows the whole batch: mean, maximum, and the size of the batch."""

    name, crop, batch, identity = "sums", Crop(8, 8), 24, {}  # 24 does not divide a part of 64

    def __init__(self):
        self.sizes = []

    def encode(self, images):
        self.sizes.append(len(images))
        flat = images.reshape(len(images), -1).astype(np.float32)
        return np.stack([flat.mean(1), flat.max(1), np.full(len(images), len(images))], axis=1)


def part_files(writer):
    return {path.name: path.read_bytes() for path in writer.folder.glob("part-*")}


def test_every_sample_is_embedded_in_the_order_of_the_dataset(folder, column):
    reader, dataset = folder(10)
    writer, encoder = column(10), Sums()
    encode_dataset(encoder, reader, dataset, writer, dtype=np.float32)
    column = writer.finish()
    one_by_one = []
    for row in range(10):
        alone = Sums()
        alone.batch = 1
        single = dataset.samples.slice(row, 1)
        ((_, images, _),) = read_images(reader, single, alone.crop, workers=0)
        one_by_one.append(alone.encode(images)[0, :2])
    np.testing.assert_array_equal(column.read()[:, :2], one_by_one)
    assert column.dtype == np.float32


def test_every_batch_is_full_and_none_crosses_a_part(folder, column):
    reader, dataset = folder(70)
    encoder = Sums()
    writer = column(70)
    encode_dataset(encoder, reader, dataset, writer)
    assert encoder.sizes == [24, 24, 24, 24]  # 64 rows in three, the last padded; then 6 in one
    values = writer.finish().read()
    assert values.dtype == np.float16
    assert (values[:, 2] == 24).all()


def test_workers_change_nothing(folder, column):
    reader, dataset = folder(60, broken={3, 56})
    alone, shared = column(60, name="alone"), column(60, name="shared")
    encode_dataset(Sums(), reader, dataset, alone, workers=0)
    encode_dataset(Sums(), reader, dataset, shared, workers=2)
    assert part_files(alone) == part_files(shared)
    assert alone.rejects() == shared.rejects()


def test_threads_change_nothing(folder, column):
    reader, dataset = folder(150, broken={3, 56})
    alone, shared = column(150, name="alone"), column(150, name="shared")
    before = torch.get_num_threads()
    for writer, threads in ((alone, 1), (shared, 3)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = nn.Sequential(
                nn.Conv2d(3, 64, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.AdaptiveAvgPool2d(1)
            )
        three = (1.0, 1.0, 1.0)
        network = Network(
            module, name="small", crop=Crop(8, 8), mean=three, std=three, device="cpu", say=print
        )
        encode_dataset(network, reader, dataset, writer, threads=threads, dtype=np.float32)
    assert torch.get_num_threads() == before
    assert part_files(alone) == part_files(shared)
    assert alone.rejects() == shared.rejects()


def test_an_interrupted_run_ends_in_the_bytes_of_an_undisturbed_one(folder, column):
    class Killed(Exception):  # noqa: N818
        pass

    class Dying(Sums):
        def encode(self, images):
            if len(self.sizes) == 5:  # in the middle of the second part
                raise Killed
            return super().encode(images)

    reader, dataset = folder(150)
    undisturbed = column(150, name="undisturbed")
    encode_dataset(Sums(), reader, dataset, undisturbed)
    with pytest.raises(Killed):
        encode_dataset(Dying(), reader, dataset, column(150, name="killed"))
    again = column(150, name="killed")
    assert [part.number for part in again.missing()] == [1, 2]
    rest = Sums()
    encode_dataset(rest, reader, dataset, again)
    assert len(rest.sizes) == 4  # the first part is not computed again
    assert part_files(again) == part_files(undisturbed)


def test_a_finished_column_reads_no_image(folder, column):
    reader, dataset = folder(4)
    encode_dataset(Sums(), reader, dataset, column(4))
    idle = Sums()
    encode_dataset(idle, reader, dataset, column(4))
    assert idle.sizes == []


def test_a_broken_image_is_rejected_by_its_row_and_the_rest_is_kept(folder, column):
    reader, dataset = folder(70, broken={66})
    row = next(i for i, key in enumerate(dataset.keys) if "066" in key)
    writer = column(70)
    encode_dataset(Sums(), reader, dataset, writer)
    assert list(writer.rejects()) == [row]
    assert "broken png" in writer.rejects()[row]
    values = writer.finish().read()
    assert np.isnan(values[row]).all()
    assert np.isfinite(np.delete(values, row, axis=0)).all()


def test_an_image_that_the_scan_rejected_is_nan_and_not_rejected_twice(folder, column, tmp_path):
    (tmp_path / "data" / "a").mkdir(parents=True)
    (tmp_path / "data" / "a" / "empty.png").touch()
    reader, dataset = folder(4)
    (row,) = dataset.rejects
    writer = column(5)
    encode_dataset(Sums(), reader, dataset, writer)
    assert writer.rejects() == {}
    assert np.isnan(writer.finish().read()[row]).all()


def test_an_embedding_that_is_not_finite_is_a_reject(folder, column):
    class Dividing(Sums):
        def encode(self, images):
            values = super().encode(images)
            values[2, 1] = np.inf
            return values

    reader, dataset = folder(5)
    writer = column(5)
    encode_dataset(Dividing(), reader, dataset, writer)
    assert writer.rejects() == {2: "non-finite embedding"}
    assert np.isnan(writer.finish().read()[2]).all()


def test_what_half_precision_cannot_hold_is_refused_and_float32_holds_it(folder, column):
    class Large(Sums):
        def encode(self, images):
            return super().encode(images) + 1e5

    reader, dataset = folder(5)
    with pytest.raises(DataError, match=r"reaches 1002\d\d, beyond 65504") as caught:
        encode_dataset(Large(), reader, dataset, column(5))
    assert caught.value.hint == "add --dtype float32"
    encode_dataset(Large(), reader, dataset, column(5), dtype=np.float32)
