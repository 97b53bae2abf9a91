"""Penultimate features of torchvision's networks, and what is done when memory is short."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import models

from prune.core.errors import OptionError, UnknownNameError
from prune.encoders import open_encoder
from prune.encoders.network import Network, _behead, _build
from prune.modalities.image import Crop


def noise(n, size):
    return np.random.default_rng(0).integers(0, 256, (n, 3, size, size), np.uint8)


@pytest.mark.parametrize(
    "name",
    ["resnet18", "mobilenet_v3_small", "googlenet", "efficientnet_b0", "densenet121", "regnet_y_400mf"],
)
def test_the_embedding_is_what_goes_into_the_last_linear_layer(name):
    encoder = open_encoder(name, weights="random", seed=3)
    images = noise(2, encoder.crop.size)
    module = _build(name, encoder.crop.size, 3, trained=False).eval()
    seen = []
    head = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    mean, std = (torch.tensor(c).view(3, 1, 1) for c in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        module((torch.from_numpy(images) / 255 - mean) / std)
    tolerance = 1e-4 if encoder.precision == "float32" else 0.05
    embeddings = encoder.encode(images)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, seen[0].numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["vit_b_32", "swin_v2_t", "convnext_tiny", "inception_v3"])
def test_networks_of_every_kind_lose_their_head_of_a_thousand_classes(name):
    size = models.get_model_weights(name).DEFAULT.transforms().crop_size[0]
    module, head = _behead(_build(name, size, 0, trained=True))
    assert isinstance(module.get_submodule(head), nn.Identity)
    assert not [p for p in module.parameters() if p.shape and p.shape[0] == 1000]


def test_a_network_without_a_linear_layer_gives_its_pooled_features():
    embeddings = open_encoder("squeezenet1_1", weights="random").encode(noise(2, 224))
    assert embeddings.shape == (2, 512)
    assert (embeddings[0] != embeddings[1]).any()


def test_images_are_seen_as_the_weights_were_trained():
    assert open_encoder("resnet18", weights="random").crop == Crop(256, 224)
    assert open_encoder("efficientnet_b0", weights="random").crop == Crop(256, 224)
    assert open_encoder("shufflenet_v2_x1_5", weights="random").crop == Crop(232, 224)


def test_an_embedding_does_not_depend_on_its_neighbours_in_the_batch():
    encoder = open_encoder("shufflenet_v2_x0_5", weights="random")
    images = noise(encoder.batch, 224)
    alone = np.zeros_like(images)
    alone[5] = images[5]
    np.testing.assert_array_equal(encoder.encode(images)[5], encoder.encode(alone)[5])


def test_random_weights_follow_the_seed_and_leave_the_global_state_alone():
    before = torch.random.get_rng_state()
    first, again, other = (open_encoder("shufflenet_v2_x0_5", weights="random", seed=s) for s in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert first.identity == again.identity != other.identity


def test_the_identity_is_plain_and_says_what_the_embeddings_depend_on():
    identity = dict(open_encoder("shufflenet_v2_x0_5", weights="random").identity)
    assert len(identity.pop("weights")) == 64
    precision = identity.pop("precision")
    assert precision in {"float32", "bfloat16"}
    assert identity == {
        "encoder": "shufflenet_v2_x0_5", "resize": 256, "crop": 224, "batch": 8, "version": 1
    }  # fmt: skip


def test_images_are_not_written_to():
    images = noise(2, 224)
    images.flags.writeable = False
    open_encoder("shufflenet_v2_x0_5", weights="random").encode(images)


def test_an_unknown_network_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="no encoder is called 'resnet81'") as caught:
        open_encoder("resnet81")
    assert caught.value.hint == "did you mean 'resnet18'?"
    with pytest.raises(UnknownNameError) as caught:
        open_encoder("pixel")
    assert caught.value.hint == "did you mean 'pixels'?"


class Narrow(nn.Module):
    """A network that a few images fill."""

    def __init__(self, room):
        super().__init__()
        self.room = room

    def forward(self, pixels):
        if len(pixels) > self.room:
            raise torch.OutOfMemoryError
        return pixels.mean((2, 3))


def narrow(room, said):
    crop, one = Crop(4, 4), (1.0, 1.0, 1.0)
    return Network(Narrow(room), name="narrow", crop=crop, mean=one, std=one, device="cpu", say=said.append)


def test_short_memory_halves_the_pieces_says_so_and_changes_no_number():
    said = []
    images = noise(32, 4)
    np.testing.assert_array_equal(narrow(5, said).encode(images), narrow(99, []).encode(images))
    assert [message.rpartition("with ")[2] for message in said] == [f"{n} images at a time" for n in (4,)]


def test_what_was_learned_about_memory_is_kept_for_the_next_batch():
    said = []
    encoder = narrow(5, said)
    encoder.encode(noise(32, 4))
    encoder.encode(noise(32, 4))
    assert len(said) == 1


def test_a_network_that_does_not_fit_at_all_is_one_sentence():
    with pytest.raises(OptionError, match="does not hold narrow and one image") as caught:
        narrow(0, []).encode(noise(32, 4))
    assert "--device cpu" in caught.value.hint


@pytest.mark.gpu
def test_a_gpu_gives_the_embeddings_of_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    images = noise(40, 224)
    there = open_encoder("resnet18", weights="random", device="cuda").encode(images)
    here = open_encoder("resnet18", weights="random", device="cpu").encode(images)
    cosine = (there * here).sum(1) / np.linalg.norm(there, axis=1) / np.linalg.norm(here, axis=1)
    assert cosine.min() > 0.999
