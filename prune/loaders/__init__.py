"""A selection in a training without a copy: the kept samples straight out of the original data.

    kept = prune.loaders.dataset(".prune", "kcenter", transform=to_tensor)
    for x, y in torch.utils.data.DataLoader(kept, batch_size=64, shuffle=True, num_workers=4): ...

With a dataset of your own, whose positions are the rows that prune read, a sampler is enough:

    sampler = prune.loaders.SelectionSampler(".prune", fraction=0.1)
    for x, y in torch.utils.data.DataLoader(dataset, batch_size=64, sampler=sampler): ...

Nothing heavy is imported until one of these names is used.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prune.loaders.adaptive_sampler import AdaptiveSampler
    from prune.loaders.hf_dataset import huggingface
    from prune.loaders.image_subset import imagefolder
    from prune.loaders.infobatch_sampler import InfoBatchSampler
    from prune.loaders.kept_shards import KeptShards, webdataset
    from prune.loaders.row_sampler import RowSampler, WeightedRow
    from prune.loaders.sample_dataset import SampleDataset, dataset
    from prune.loaders.sample_stream import SampleStream, stream
    from prune.loaders.samplers import SelectionSampler
    from prune.loaders.schedule_sampler import ScheduleSampler
    from prune.loaders.weighted_dataset import weighted
    from prune.steps.schedules.rules import EasyToHard, RandomSubsets

__all__ = [
    "AdaptiveSampler",
    "EasyToHard",
    "InfoBatchSampler",
    "KeptShards",
    "RandomSubsets",
    "RowSampler",
    "SampleDataset",
    "SampleStream",
    "ScheduleSampler",
    "SelectionSampler",
    "WeightedRow",
    "dataset",
    "huggingface",
    "imagefolder",
    "stream",
    "webdataset",
    "weighted",
]

_HOMES = {
    "AdaptiveSampler": "prune.loaders.adaptive_sampler",
    "EasyToHard": "prune.steps.schedules.rules",
    "InfoBatchSampler": "prune.loaders.infobatch_sampler",
    "KeptShards": "prune.loaders.kept_shards",
    "RandomSubsets": "prune.steps.schedules.rules",
    "RowSampler": "prune.loaders.row_sampler",
    "SampleDataset": "prune.loaders.sample_dataset",
    "SampleStream": "prune.loaders.sample_stream",
    "ScheduleSampler": "prune.loaders.schedule_sampler",
    "SelectionSampler": "prune.loaders.samplers",
    "WeightedRow": "prune.loaders.row_sampler",
    "dataset": "prune.loaders.sample_dataset",
    "huggingface": "prune.loaders.hf_dataset",
    "imagefolder": "prune.loaders.image_subset",
    "stream": "prune.loaders.sample_stream",
    "webdataset": "prune.loaders.kept_shards",
    "weighted": "prune.loaders.weighted_dataset",
}


if not TYPE_CHECKING:  # else every name would exist for a type checker

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            here = sys.modules[__name__]  # lets Python name the nearest of `dir`
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=here)
        importlib.import_module("prune.system.spinning").bound_spinning()  # before the libraries are loaded
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
