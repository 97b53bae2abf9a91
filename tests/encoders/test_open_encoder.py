"""From a name to an encoder, and what the table of encoders says."""

import subprocess
import sys

import pytest

from prune.core.errors import OptionError, UnknownNameError
from prune.core.method_rows import EncoderMethod
from prune.encoders import ENCODERS, modalities_of, open_encoder
from prune.modalities import MODALITIES


def test_pixels_need_no_weights_and_take_none():
    assert open_encoder("pixels").name == "pixels"
    with pytest.raises(OptionError, match=r"pixels has no weights, but got 'w\.pth'"):
        open_encoder("pixels", weights="w.pth")


def test_an_encoder_that_is_added_to_the_table_is_opened_with_what_it_takes(monkeypatch):
    def edges(*, seed: int, weights: str | None = None) -> tuple[int, str | None]:
        return seed, weights

    monkeypatch.setitem(ENCODERS, "edges", EncoderMethod(edges))
    assert open_encoder("edges", seed=3, device="cpu") == (3, None)
    assert open_encoder("edges", weights="w.pth") == (0, "w.pth")


def test_precomputed_encodes_no_images():
    with pytest.raises(OptionError, match="reads a file") as caught:
        open_encoder("precomputed")
    assert "--features" in caught.value.hint


def test_the_table_says_what_each_encoder_is():
    images = {"torchvision", "efficientnet_lite0", "timm", "clip", "pixels"}
    assert set(ENCODERS) == images | {"clip_text", "ngrams", "sentence", "static", "precomputed"}
    assert all(method.summary.endswith(".") for method in ENCODERS.values())
    assert ENCODERS["torchvision"].options == {"weights": None}


def test_every_modality_has_an_encoder_that_takes_it():
    for modality in MODALITIES.values():
        assert modality.name in modalities_of(modality.encoder)


def test_a_name_that_is_no_encoder_is_told_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'ngram'") as caught:
        modalities_of("ngram")
    assert caught.value.hint == "did you mean 'ngrams'?"
    with pytest.raises(UnknownNameError) as caught:
        open_encoder("resnet19")
    assert "resnet18" in caught.value.hint


def test_only_networks_need_torch():
    code = "import sys, prune.encoders as e; e.open_encoder('pixels'); print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
