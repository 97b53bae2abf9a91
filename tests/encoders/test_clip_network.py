"""Models of open_clip: their weights, how they look at a picture, what is said of what is missing."""

import json
import logging

import numpy as np
import pytest
import torch

from prune.core.errors import OptionError, UnknownNameError
from prune.encoders import open_encoder
from prune.encoders.clip_network import _crop, _state
from prune.modalities.image import Crop


@pytest.fixture(scope="module")
def open_clip():
    return pytest.importorskip("open_clip", reason="the extra clip is not installed")  # seconds to load


@pytest.fixture(scope="module")
def trained(open_clip, tiny_clip):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return open_clip.create_model(tiny_clip.removeprefix("clip:")).eval()


@pytest.fixture
def file(trained, tmp_path):
    torch.save({"state_dict": {f"module.{k}": v for k, v in trained.state_dict().items()}}, tmp_path / "w.pt")
    return str(tmp_path / "w.pt")


def test_the_embedding_is_what_the_image_tower_says(trained, file, tiny_clip):
    encoder = open_encoder(tiny_clip, weights=file)
    images = np.random.default_rng(0).integers(0, 256, (8, 3, 32, 32), np.uint8)
    mean, std = (torch.tensor(encoder.identity[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        pixels = (torch.from_numpy(images) / 255 - mean) / std
        expected = torch.nn.functional.normalize(trained.visual(pixels), dim=1).numpy()
    tolerance = 1e-4 if encoder.precision == "float32" else 0.05
    np.testing.assert_allclose(encoder.encode(images), expected, rtol=tolerance, atol=tolerance)


def test_the_recipe_says_how_a_picture_was_seen(open_clip, file, tiny_clip):
    identity = open_encoder(tiny_clip, weights=file).identity
    assert {
        "encoder": tiny_clip,
        "crop": 32,
        "resize": 32,
        "interpolation": "bicubic",
    }.items() <= identity.items()
    assert identity["normalized"] is True
    assert identity["mean"] == list(open_clip.OPENAI_DATASET_MEAN)
    json.dumps(identity)


def test_each_model_has_its_own_way_to_look(open_clip):
    cfg = open_clip.get_pretrained_cfg("ViT-B-16-SigLIP", "webli")
    assert _crop("clip:x", {"size": 224, **cfg}) == Crop(224, 224, "bicubic", squash=True)
    with pytest.raises(OptionError, match="resized by their longest side"):
        _crop("clip:x", {"size": (32, 32), "resize_mode": "longest", "interpolation": "bicubic"})


def test_opening_writes_nothing_and_leaves_logging_alone(tiny_clip, capfd):
    handlers, disabled = list(logging.root.handlers), logging.root.manager.disable
    open_encoder(tiny_clip, weights="random")
    assert capfd.readouterr() == ("", "")
    assert (logging.root.handlers, logging.root.manager.disable) == (handlers, disabled)


def test_which_weights_is_a_part_of_the_name(open_clip):
    with pytest.raises(OptionError, match=r"kinds of weights for clip:ViT-B-32: openai, ") as caught:
        open_encoder("clip:ViT-B-32")
    name = caught.value.hint.split()[1]
    tag = name.partition(".")[2]
    assert tag in open_clip.list_pretrained_tags_by_model("ViT-B-32")
    with pytest.raises(UnknownNameError) as caught:
        open_encoder(f"{name}x")
    assert caught.value.hint == f"did you mean {name!r}?"


def test_weights_that_are_not_here_are_asked_for(open_clip, tmp_path, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    about = open_clip.get_pretrained_cfg("ViT-B-32", "laion2b_s34b_b79k")
    known = ("clip:ViT-B-32.laion2b_s34b_b79k", "laion2b_s34b_b79k", ["laion2b_s34b_b79k"], about)
    with pytest.raises(OptionError, match=r"has no weights on this machine") as caught:
        _state(*known, None)
    assert "--weights default" in caught.value.hint
    with pytest.raises(OptionError, match="cannot be downloaded"):
        _state(*known, "default")


def test_a_model_without_weights_of_its_own_wants_a_file(tiny_clip, tmp_path):
    with pytest.raises(OptionError, match="open_clip has no weights for") as caught:
        open_encoder(tiny_clip)
    assert caught.value.hint == "add --weights FILE"
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(OptionError, match="the weights are not of clip:tiny-for-tests"):
        open_encoder(tiny_clip, weights=str(tmp_path / "other.pth"))
