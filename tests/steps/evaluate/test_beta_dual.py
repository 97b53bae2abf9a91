"""`beta:dual` from end to end: a proxy, its score, what is kept by it, and how that trains."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

import prune
from prune.steps.evaluate.spec import parse_spec
from prune.steps.evaluate.spec_choice import chosen_set
from prune.steps.settings import Settings
from prune.store import Store

from .conftest import QUICK

SETTINGS = Settings(device="cpu", workers=0)


def test_a_score_of_a_proxy_is_selected_by_and_evaluated(place: Path) -> None:
    store = place / "dual"
    shutil.copytree(place / "store", store)
    training = {"proxy": "mlp", "size": 8, "epochs": 6, "flip": False}
    scored = prune.score(store, types=["dual"], training=training, settings=SETTINGS)
    assert scored["n"] == 60
    assert np.isfinite(Store(store).column("score.dual").read()).all()
    kept = prune.select(store, method="beta", score="dual", fraction=0.3, settings=SETTINGS)
    assert (kept["k"], kept["asked"]["score"]) == (18, "dual")
    asked = {"test": "test", "select": ["beta:dual"], "fractions": ["0.3"], "seeds": 2} | QUICK
    found = prune.evaluate(store, **asked, settings=SETTINGS)
    assert [one["spec"] for one in found["results"]] == ["random", "beta:dual", "everything"]
    of = {one["spec"]: one for one in found["results"]}
    assert of["beta:dual"]["difference"]["seeds"] == 2
    assert of["beta:dual"]["cost"] > of["beta:dual"]["seconds"]  # of the proxy, too
    rows = Store(store).selection("beta").rows.tolist()
    evaluated = chosen_set(Store(store), parse_spec("beta:dual", (), ["dual"], sized=True), "0.3", SETTINGS)
    assert evaluated.rows.tolist() == rows
