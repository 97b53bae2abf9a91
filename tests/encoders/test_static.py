"""Token vectors and their mean, from a folder as model2vec writes it; made here."""

import json

import numpy as np
import pytest
import safetensors.numpy

from prune.core.errors import OptionError
from prune.encoders import open_encoder
from prune.encoders.ngram_counts import MOST_CHARACTERS

pytest.importorskip("tokenizers", reason="the extra text is not installed")

WORDS = ["[UNK]", "good", "bad", "film", "food"]
VECTORS = np.array([[9, 9], [1, 0], [-1, 0], [0, 2], [0, -2]], np.float32)


@pytest.fixture
def folder(tmp_path):
    """Write a folder: `folder(config, **tensors)`."""

    def write(config=None, **tensors):
        vocabulary = {word: number for number, word in enumerate(WORDS)}
        tokenizer = {
            "version": "1.0",
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
        }
        (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
        (tmp_path / "config.json").write_text(json.dumps(config or {}))
        safetensors.numpy.save_file({"embeddings": VECTORS, **tensors}, tmp_path / "model.safetensors")
        return tmp_path

    return write


def embedded(folder, *texts):
    encoder = open_encoder("static", weights=str(folder))
    return encoder.encode(encoder.prepared(list(texts))[0])


def test_a_text_is_the_mean_of_its_known_tokens(folder):
    found = embedded(folder(), "Good film", "good good bad", "strange", "")
    np.testing.assert_allclose(found, [[0.5, 1], [1 / 3, 0], [0, 0], [0, 0]], rtol=1e-6)
    assert found.dtype == np.float32


def test_the_one_table_of_a_folder_may_have_another_name(folder):
    made = folder()
    safetensors.numpy.save_file({"table.weight": VECTORS}, made / "model.safetensors")
    np.testing.assert_allclose(embedded(made, "good film"), [[0.5, 1]], rtol=1e-6)


def test_the_folder_says_whether_the_length_is_one(folder):
    found = embedded(folder({"normalize": True}), "good film", "strange")
    np.testing.assert_allclose(found, [[1 / 5**0.5, 2 / 5**0.5], [0, 0]], rtol=1e-6)


def test_weights_and_a_mapping_of_tokens_are_heeded(folder):
    made = folder(
        embeddings=VECTORS[1:4],
        mapping=np.array([0, 0, 1, 2, 2], np.int64),
        weights=np.array([1, 2, 1, 0.5, 1], np.float32),
    )
    np.testing.assert_allclose(embedded(made, "good film", "food"), [[1, 0.5], [0, 2]], rtol=1e-6)


def test_a_text_beyond_the_limit_is_cut_and_counted(folder):
    encoder = open_encoder("static", weights=str(folder({"max_length": 3})))
    payloads, cut = encoder.prepared(["bad bad bad food", "good film", "bad " * MOST_CHARACTERS])
    assert cut == [0, 2]
    np.testing.assert_allclose(encoder.encode(payloads), [[-1, 0], [0.5, 1], [-1, 0]], rtol=1e-6)
    assert encoder.identity["length"] == "3 tokens"


def test_other_files_are_another_identity(folder):
    one = open_encoder("static", weights=str(folder())).identity
    two = open_encoder("static", weights=str(folder({"normalize": True}))).identity
    three = open_encoder("static", weights=str(folder(embeddings=VECTORS + 1))).identity
    assert len({one["weights"], two["weights"], three["weights"]}) == 3


def test_what_is_no_such_folder_is_said(folder, tmp_path):
    with pytest.raises(OptionError, match="static wants --weights") as caught:
        open_encoder("static")
    assert "--encoder static --weights FOLDER" in caught.value.hint
    with pytest.raises(OptionError, match="there is no folder"):
        open_encoder("static", weights=str(tmp_path / "none"))
    made = folder()
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (inner / "model.safetensors").touch()
    with pytest.raises(OptionError, match=r"holds no model: there is no model\.safetensors") as caught:
        open_encoder("static", weights=str(inner.parent))
    assert caught.value.hint == f"--weights {inner}"
    safetensors.numpy.save_file({"a": VECTORS, "b": VECTORS}, made / "model.safetensors")
    with pytest.raises(OptionError, match="holds no table of token vectors, but 2 other arrays"):
        open_encoder("static", weights=str(made))
    (made / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(OptionError, match="cannot be read as weights"):
        open_encoder("static", weights=str(made))
    with pytest.raises(OptionError, match=r"vectors of 2×2 for 5 tokens"):
        open_encoder("static", weights=str(folder(embeddings=VECTORS[:2])))
    (made / "tokenizer.json").write_text("{")
    with pytest.raises(OptionError, match="cannot be read as JSON"):
        open_encoder("static", weights=str(made))
    (made / "tokenizer.json").unlink()
    with pytest.raises(OptionError, match="has no tokenizer"):
        open_encoder("static", weights=str(made))


def test_a_tokenizer_that_is_none_is_said(folder):
    made = folder()
    (made / "tokenizer.json").write_text(json.dumps({"model": {"type": "Abacus"}}))
    with pytest.raises(OptionError, match=r"tokenizer\.json cannot be read as a tokenizer"):
        open_encoder("static", weights=str(made))
