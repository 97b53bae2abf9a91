"""Parts of an export as units of work: who sees the store and the dataset can write any of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prune.core.errors import StoreError
from prune.exporters import EXPORTERS, ExportJob, StagingFolder
from prune.exporters.copied_samples import is_copied
from prune.exporters.job import Listed
from prune.exporters.weights import weighed
from prune.steps import export_selection
from prune.steps.dataset_session import reopened
from prune.steps.settings import Settings
from prune.steps.unit_executor import dataset_of, executor_for, run_units
from prune.store import Store, prefix, read_selection
from prune.system.memory import resident

_WORTH = 256 << 20  # bytes to write: a process takes a second until it begins


@dataclass(frozen=True)
class ExportUnits:
    """Writes parts of an export of a selection beside this process."""

    store: Store
    asked: Mapping[str, Any]  # selection, fraction, rejected, format, options, card: as typed
    settings: Settings

    def __call__(
        self, job: ExportJob, folder: StagingFolder, names: Sequence[str]
    ) -> Iterator[Listed] | None:
        """Write parts; yield the files of each, in their order. None: that is not worth it.

        Threads of this process copy faster than a second process begins.
        """
        if self.settings.executor != "ray" and (job.size() < 2 * _WORTH or is_copied(job)):
            return None
        executor = executor_for(self.settings, "write", len(names), memory=resident())
        if executor is None:
            return None
        spec = self._described(job, folder)
        return run_units(executor, write_part, spec, names, name="{}".format)

    def _described(self, job: ExportJob, folder: StagingFolder) -> str:
        of = {"store": str(self.store.path.absolute()), "dataset": job.dataset.fingerprint}
        place = {"out": str(folder.out), "apart": folder.apart, "identity": folder.identity}
        return json.dumps({**of, **self.asked, **place})


def write_part(spec: str, name: str) -> dict[str, Any]:
    """Write one part, unless it is there; return its files, with size and SHA-256 each."""
    asked, job = json.loads(spec), _job(spec)
    exporter = EXPORTERS[asked["format"]]
    folder = StagingFolder(Path(asked["out"]), asked["identity"], apart=asked["apart"])
    if not folder.done(name):
        assert exporter.unit is not None, f"{exporter.name} has no parts"
        exporter.unit(job, folder, name, **exporter.parse(asked["options"]))
        folder.flush()  # whoever waits for this part may be another machine
    return folder.files


@functools.lru_cache(maxsize=1)
def _job(spec: str) -> ExportJob:
    """Open what is exported.

    Raises
    ------
    StoreError
        The store does not lie here, or the selection is another one meanwhile.
    """
    asked = json.loads(spec)
    store, exporter = Store(asked["store"]), EXPORTERS[asked["format"]]
    settings = Settings()
    dataset_of(store, asked["dataset"])
    reader, dataset = reopened(store, settings)
    whole = read_selection(store, asked["selection"])
    chosen = whole if asked["fraction"] is None else prefix(whole, asked["fraction"])
    job = export_selection.job(
        store, reader, dataset, chosen, rejected=asked["rejected"], reporter=settings.reporter
    )
    job = weighed(job, exporter)
    options = exporter.options | exporter.parse(asked["options"]) | ({"card": True} if asked["card"] else {})
    if job.identity(exporter.name, options) != asked["identity"]:
        what = f"the selection {chosen.name!r} in {store.path} is not the one that is exported"
        raise StoreError(what, "run the same command again when nothing else writes there")
    return job
