"""What a folder of sentence-transformers says of its model, and which models are refused."""

import json

import pytest

from prune.core.errors import OptionError
from prune.encoders.sentence_settings import sentence_settings

MODULES = [
    {"type": "sentence_transformers.models.Transformer", "path": ""},
    {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
]


@pytest.fixture
def settings(tmp_path):
    """Return what is read of a folder with these files."""

    def read(**said):
        for name, content in said.items():
            path = tmp_path / f"{name.replace('__', '/')}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(content))

        def find(name):
            return tmp_path / name if (tmp_path / name).is_file() else None

        return sentence_settings(find, "model")

    return read


def test_a_plain_transformer_is_pooled_by_the_mean(settings):
    found = settings()
    assert found.pooling == ("mean",)
    assert (found.normalized, found.length, found.prefix, found.lower_case) == (False, None, "", False)


def test_pooling_length_and_what_follows_are_read(settings):
    normalize = {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}
    found = settings(
        modules=[*MODULES, normalize],
        **{"1_Pooling__config": {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}},
        sentence_bert_config={"max_seq_length": 256, "do_lower_case": True},
    )
    assert found.pooling == ("cls", "max")
    assert (found.normalized, found.length, found.lower_case) == (True, 256, True)
    assert found.described["pooling"] == "cls max"


def test_pooling_may_be_named_in_a_word(settings):
    assert settings(modules=MODULES, **{"1_Pooling__config": {"pooling_mode": "lasttoken"}}).pooling == (
        "lasttoken",
    )


def test_the_prefix_is_the_prompt_that_the_model_takes_by_default(settings):
    prompts = {"query": "query: ", "passage": "passage: "}
    assert settings(config_sentence_transformers={"prompts": prompts}).prefix == ""
    said = {"prompts": prompts, "default_prompt_name": "passage"}
    assert settings(config_sentence_transformers=said).prefix == "passage: "


def test_what_is_not_known_is_refused_with_another_way(settings):
    dense = {"type": "sentence_transformers.models.Dense", "path": "2_Dense"}
    with pytest.raises(OptionError, match="a module Dense") as caught:
        settings(modules=[*MODULES, dense])
    assert "--features" in caught.value.hint
    with pytest.raises(OptionError, match="pools by weightedmean"):
        settings(modules=MODULES, **{"1_Pooling__config": {"pooling_mode_weightedmean_tokens": True}})
    with pytest.raises(OptionError, match="no list of modules"):
        settings(modules={"type": "Transformer"})
