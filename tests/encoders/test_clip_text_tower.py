"""The text tower of a model of open_clip: captions beside images, whatever stands in them."""

import numpy as np
import pytest
import torch

from prune.core.errors import OptionError
from prune.encoders import modalities_of, open_encoder

open_clip = pytest.importorskip("open_clip", reason="the extra clip is not installed")


@pytest.fixture(scope="module")
def text_encoder(tiny_clip):
    return open_encoder(tiny_clip.replace("clip:", "clip_text:"), weights="random", seed=3)


def embedded(encoder, texts):
    filled = texts + [""] * (encoder.batch - len(texts))
    return encoder.encode(encoder.prepared(filled)[0])[: len(texts)]


def test_it_says_what_open_clip_says(text_encoder, tiny_clip):
    name = tiny_clip.removeprefix("clip:")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        model = open_clip.create_model(name).eval()
    texts = ["a photo of a dog", "", "Ein Bild, öffentlich &amp; frei"]
    with torch.inference_mode():
        expected = model.encode_text(open_clip.get_tokenizer(name)(texts), normalize=True).numpy()
    tolerance = 1e-5 if text_encoder.precision == "float32" else 0.05
    np.testing.assert_allclose(embedded(text_encoder, texts), expected, atol=tolerance)


def test_both_towers_are_of_the_same_weights(text_encoder, tiny_clip):
    images = open_encoder(tiny_clip, weights="random", seed=3)
    assert images.identity["weights"] == text_encoder.identity["weights"]
    assert text_encoder.identity["encoder"] == text_encoder.name == "clip_text:tiny-for-tests"
    assert (modalities_of(images.name), modalities_of(text_encoder.name)) == (("image",), ("text",))


def test_company_changes_no_text(text_encoder):
    together = embedded(text_encoder, ["a dog", "a very long story of a cat " * 9, "a dog"])
    np.testing.assert_array_equal(together[0], together[2])
    np.testing.assert_array_equal(together[:1], embedded(text_encoder, ["a dog"]))


def test_texts_beyond_the_limit_are_cut_and_counted(text_encoder):
    fits, long = "dog " * 10, "dog " * 11  # the limit is 12, with what begins and ends a text
    assert text_encoder.prepared([fits, long, "dog " * 100_000, "x" * 100_000])[1] == [1, 2, 3]
    assert text_encoder.identity["length"] == "12 tokens"
    np.testing.assert_array_equal(embedded(text_encoder, [fits]), embedded(text_encoder, [long]))


def test_a_hostile_text_is_one_of_many(text_encoder):
    texts = ["\x00\x1b[31m", "\u202eabc", "\ufffd" * 50, "👩‍👩‍👧" * 200, "<|endoftext|>"]
    assert np.isfinite(embedded(text_encoder, texts)).all()


def test_words_are_not_remembered_without_end(text_encoder, monkeypatch):
    monkeypatch.setattr("prune.encoders.clip_text_tower._KNOWN", 50)
    first = embedded(text_encoder, ["a dog"])
    for start in range(0, 300, 60):
        embedded(text_encoder, [f"w{i}" for i in range(start, start + 60)])
    assert len(text_encoder._tokenizer.cache) < 100
    np.testing.assert_array_equal(embedded(text_encoder, ["a dog"]), first)


def test_a_tokenizer_on_a_hub_is_said():
    with pytest.raises(
        OptionError, match=r"the encoder clip_text:roberta-ViT-B-32 cannot be built: "
    ) as caught:
        open_encoder("clip_text:roberta-ViT-B-32", weights="random")
    assert caught.value.hint.startswith("--encoder clip")
