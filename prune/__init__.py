"""Make a training dataset smaller without making the model worse.

    store = prune.Store(".prune")
    prune.score(store, "data/", types=["grad_norm"])
    prune.select(store, method="kcenter", fraction=0.3)
    prune.export(store, format="webdataset", out="smaller")

Nothing heavy is imported until one of these names is used.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from prune.core import errors as errors

__version__ = "0.1.0"

if TYPE_CHECKING:
    from prune import loaders as loaders
    from prune.pipeline import (
        check,
        diff,
        embed,
        evaluate,
        export,
        gc,
        plan,
        report,
        run,
        score,
        select,
        suspects,
        verify,
        why,
    )
    from prune.steps import label_noise as noise
    from prune.steps.evaluate.results import evaluations
    from prune.steps.select.arrays import select_rows
    from prune.steps.settings import Settings
    from prune.store import Store

__all__ = [
    "Settings",
    "Store",
    "check",
    "diff",
    "embed",
    "errors",
    "evaluate",
    "evaluations",
    "export",
    "gc",
    "loaders",
    "noise",
    "plan",
    "report",
    "run",
    "score",
    "select",
    "select_rows",
    "suspects",
    "verify",
    "why",
]

_HOMES = {  # all others: prune.pipeline
    "Settings": "prune.steps.settings",
    "Store": "prune.store",
    "evaluations": "prune.steps.evaluate.results",
    "select_rows": "prune.steps.select.arrays",
}
_MODULES = {"loaders": "prune.loaders", "noise": "prune.steps.label_noise"}

sys.modules[f"{__name__}.errors"] = errors  # for `from prune.errors import PruneError`


if not TYPE_CHECKING:  # else every name would exist for a type checker

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return importlib.import_module(_MODULES[name])
        if name not in __all__:
            here = sys.modules[__name__]  # lets Python name the nearest of `dir`
            raise AttributeError(f"module 'prune' has no attribute {name!r}", name=name, obj=here)
        importlib.import_module("prune.system.spinning").bound_spinning()  # before the libraries are loaded
        return getattr(importlib.import_module(_HOMES.get(name, "prune.pipeline")), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
