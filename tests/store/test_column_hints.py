"""What to type for a column that is not there: what makes it, or the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from prune.store.hints import to_make

SHOWN = ["embedding.precomputed", "score.el2n"]


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("embedding.resnet18", "prune embed --encoder resnet18   # writes embedding.resnet18"),
        ("embedding.pixls", "prune embed --encoder pixels   # writes embedding.pixels"),
        ("embedding.precomputd", "did you mean 'precomputed'?"),
        ("embedding.mine", "name one that there is: precomputed"),
        ("score.elen", "did you mean 'el2n'?"),
        ("field.site", "prune select --method random --fraction 0.3 --by site   # reads it"),
        ("field.~0f", "prune select --method random --fraction 0.3 --by COLUMN   # reads it"),
        ("score.aum", "prune score --type aum   # writes score.aum"),
    ],
)
def test_a_column_that_is_not_there(column: str, hint: str) -> None:
    assert to_make(column, Path(".prune"), {}, None, SHOWN) == hint


def test_what_was_typed_is_typed_again() -> None:
    words = "prune embed --encoder timm:mine"
    assert (
        to_make("embedding.mine", Path("s"), {}, words, SHOWN) == "prune embed --store s --encoder timm:mine"
    )


@pytest.mark.parametrize("column", ["embedding.proxy", "probs"])
def test_of_folds_one_proxy_is_trained_for_what_they_have_not_in_common(column: str) -> None:
    said = to_make(column, Path("s"), {}, None, [*SHOWN, "probs.heldout"])
    assert said.startswith("prune score --store s --type el2n --on-fraction 1   # one proxy")
    assert "--on-fraction" not in to_make("score.aum", Path("s"), {}, None, [*SHOWN, "probs.heldout"])
