"""Networks of timm: their weights, how they look at a picture, what is said of what is missing."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from sklearn.datasets import load_sample_image

from prune.core.errors import OptionError, UnknownNameError
from prune.encoders import modalities_of, open_encoder
from prune.encoders.weights import digest
from prune.modalities.image import to_pixels

timm = pytest.importorskip("timm", reason="the extra timm is not installed")
import huggingface_hub  # noqa: E402 - timm brings it


@pytest.fixture(scope="module")
def trained():
    """A network of timm with ten classes of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return timm.create_model("test_resnet", num_classes=10).eval()


@pytest.fixture
def file(trained, tmp_path):
    safetensors.torch.save_file(trained.state_dict(), tmp_path / "mine.safetensors")
    return str(tmp_path / "mine.safetensors")


def test_the_embedding_is_what_timm_pools(trained, file):
    encoder = open_encoder("timm:test_resnet", weights=file)
    images = np.random.default_rng(0).integers(0, 256, (8, 3, 160, 160), np.uint8)
    mean, std = (torch.tensor(encoder.identity[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        pixels = (torch.from_numpy(images) / 255 - mean) / std
        expected = trained.forward_head(trained.forward_features(pixels), pre_logits=True).numpy()
    tolerance = 1e-4 if encoder.precision == "float32" else 0.05
    np.testing.assert_allclose(encoder.encode(images), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["test_vit.r160_in1k", "vit_base_patch16_siglip_224", "resnet18.tv_in1k"])
def test_a_picture_is_seen_as_timm_evaluates_it(name):
    from prune.encoders.timm_network import _crop

    about = timm.models.get_pretrained_cfg(name)
    crop = _crop(name, about)
    # not square; where an odd number of columns is cut off, torchvision and prune differ by half a pixel
    wide = next(w for w in range(480, 500) if (w * crop.resize // 427 - crop.size) % 2 == 0)
    picture = load_sample_image("china.jpg")[:, :wide]
    settings = timm.data.resolve_data_config(pretrained_cfg=about.to_dict())
    plain = {**settings, "mean": (0, 0, 0), "std": (1, 1, 1)}
    theirs = 255 * timm.data.create_transform(**plain)(Image.fromarray(picture)).numpy()
    ours = to_pixels(picture, crop).astype(np.float32)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 1  # of 255


def test_the_recipe_says_how_a_picture_was_seen(file):
    identity = open_encoder("timm:test_resnet", weights=file).identity
    expected = {
        "encoder": "timm:test_resnet", "crop": 160, "resize": 168, "interpolation": "bilinear",
        "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "pooling": "avg",
    }  # fmt: skip
    assert {key: identity[key] for key in expected} == expected
    json.dumps(identity)


def test_a_head_of_several_layers_is_left_out(tmp_path):
    with torch.random.fork_rng(devices=[]):
        whole = timm.create_model("levit_128s").eval()
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    encoder = open_encoder("timm:levit_128s", weights=str(tmp_path / "whole.pth"))
    whole.reset_classifier(0)
    assert encoder.identity["weights"] == digest(whole)


def test_weights_of_another_network_are_refused(file):
    with pytest.raises(OptionError, match="the weights are not of timm:test_vit"):
        open_encoder("timm:test_vit", weights=file)


def test_weights_in_the_cache_are_found_and_others_are_asked_for(trained, monkeypatch, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(OptionError, match=r"timm:test_resnet has no weights on this machine") as caught:
        open_encoder("timm:test_resnet")
    assert caught.value.hint == "add --weights FILE, or --weights default to download them"
    with pytest.raises(OptionError, match=r"the weights of timm:test_resnet cannot be downloaded: "):
        open_encoder("timm:test_resnet", weights="default")
    place = tmp_path / "models--timm--test_resnet.r160_in1k"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    (place / "snapshots" / ("0" * 40)).mkdir(parents=True)
    kept = place / "snapshots" / ("0" * 40) / "model.safetensors"
    safetensors.torch.save_file(trained.state_dict(), kept)
    found = open_encoder("timm:test_resnet")
    assert found.identity == open_encoder("timm:test_resnet", weights=str(kept)).identity
    assert (
        found.identity["weights"] == open_encoder("timm:test_resnet", weights="default").identity["weights"]
    )


def test_a_tag_that_is_none_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"no encoder is called 'timm:resnet18\.tv_in2k'") as caught:
        open_encoder("timm:resnet18.tv_in2k", weights="random")
    assert caught.value.hint == "did you mean 'timm:resnet18.tv_in1k'?"
    assert modalities_of("timm:resnet18.tv_in1k") == ("image",)


def test_a_picture_that_is_padded_is_refused():
    name = next(n for n in timm.list_pretrained() if timm.models.get_pretrained_cfg(n).crop_mode == "border")
    with pytest.raises(OptionError, match="crop mode border") as caught:
        open_encoder(f"timm:{name}", weights="random")
    assert "--encoder timm:resnet50" in caught.value.hint
