"""The format that an export of a dataset takes where nobody names one: what its own readers read."""

from __future__ import annotations

from prune.readers import READERS, WRITTEN
from prune.store import Store
from prune.store.layout import DATASET, DATASETS
from prune.system import files


def usual_export(store: Store) -> str:
    """Return the name of the format, by what the store says of its dataset; no sample is read for it."""
    described = files.read_record(store.path / DATASETS / store.state["dataset"][:16] / DATASET)
    form = {**READERS, **WRITTEN}[described["format"]]
    of_texts = described.get("modality") == "text"
    return (form.exported_texts if of_texts else None) or form.exported
