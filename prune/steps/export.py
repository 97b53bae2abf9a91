"""Export: the samples of a selection, as a dataset of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError
from prune.core.methods import find
from prune.core.object_names import address
from prune.exporters import EXPORTERS
from prune.exporters.job import ExportJob
from prune.steps import export_selection
from prune.steps.dataset_session import reopened
from prune.steps.export_units import ExportUnits
from prune.steps.hub import push, require_hub
from prune.steps.schedules.scheduled_job import ScheduleRequest, scheduled_job
from prune.steps.settings import Settings
from prune.store import Store, outdated_by, prefix, read_selection, require_current
from prune.system import files


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Which samples to write, in which form, and where to."""

    format: str
    out: str | Path | None
    selection: str | None
    fraction: str | float | None
    rejected: bool
    overwrite: bool
    options: list[str]
    card: bool = False  # a README.md that says what it is
    push: str | None = None  # USER/NAME of a hub, where it goes as well

    def __post_init__(self) -> None:
        if self.push is not None:
            require_hub(self.push)

    @property
    def with_card(self) -> bool:
        """Whether a card goes along, as on a hub it always does."""
        return self.card or self.push is not None

    @property
    def target(self) -> Path:
        """The folder: the one named, else one named after the format."""
        default = f"{'rejected' if self.rejected else 'pruned'}-{self.format}"
        return Path(default if self.out is None else self.out)


def export(store: Store, wanted: ExportRequest, settings: Settings) -> dict[str, Any]:
    """Write them; return what was written."""
    if settings.executor == "ray" and wanted.format in EXPORTERS and EXPORTERS[wanted.format].unit is None:
        settings.reporter.say(f"{wanted.format} is written by this process: only tar shards are spread")
    job = _schedule(store, wanted, settings) if _is_by_epoch(wanted) else _samples(store, wanted, settings)
    if (there := address(wanted.target)) is not None:
        return _sent(job, wanted, there, settings)
    export_selection.require_apart(store, wanted.target)
    wait = settings.reporter.say if settings.wait else None
    places: dict[str, Any] = {"overwrite": wanted.overwrite, "with_card": wanted.with_card, "wait": wait}
    done = export_selection.write(job, wanted.format, wanted.target, wanted.options, **places)
    if wanted.push is not None:
        done["pushed"] = push(wanted.target, wanted.push, settings.reporter)
    sets = {} if job.sets is None else {"epochs": job.sets.epochs, "k": job.sets.k}
    return {**done, **sets, "unchanged": done["complete"]}


def _sent(job: ExportJob, wanted: ExportRequest, there: str, settings: Settings) -> dict[str, Any]:
    """Make an export here, and send it to a bucket; what was made is removed when all of it is there."""
    from prune.exporters.staging import upload

    if wanted.push is not None:
        raise OptionError("--push sends an export that lies here, not one in a bucket", "--out DIR")
    upload.BucketPlace.look(there).require_apart(job.reader.places)
    wait = settings.reporter.say if settings.wait else None
    places: dict[str, Any] = {"overwrite": True, "with_card": wanted.card, "wait": wait}
    with upload.alone(there, wait) as stage:
        place = upload.BucketPlace.look(there)  # as who was here before has left it
        done = export_selection.write(job, wanted.format, stage, wanted.options, **places)
        new = upload.publish(stage, place, settings.reporter, overwrite=wanted.overwrite)
        files.remove_tree(stage.parent)
    sets = {} if job.sets is None else {"epochs": job.sets.epochs, "k": job.sets.k}
    return {**done, **sets, "out": place.address, "complete": not new, "unchanged": not new}


def _samples(store: Store, wanted: ExportRequest, settings: Settings) -> ExportJob:
    whole = read_selection(store, wanted.selection)
    if wanted.selection is None:
        require_current(store, whole)
    elif column := outdated_by(store, whole):
        settings.reporter.say(f"{column} was made again since {wanted.selection!r} was chosen by it")
    chosen = whole if wanted.fraction is None else prefix(whole, wanted.fraction)
    reader, dataset = reopened(store, settings)
    job = export_selection.job(
        store, reader, dataset, chosen, rejected=wanted.rejected, reporter=settings.reporter
    )
    asked = {"selection": whole.name, "fraction": wanted.fraction, "rejected": wanted.rejected}
    form = {"format": wanted.format, "options": wanted.options, "card": wanted.with_card}
    return replace(job, apart=ExportUnits(store, asked | form, settings))


def _is_by_epoch(wanted: ExportRequest) -> bool:
    return wanted.format in EXPORTERS and EXPORTERS[wanted.format].by_epoch


def _schedule(store: Store, wanted: ExportRequest, settings: Settings) -> ExportJob:
    if wanted.rejected:
        raise OptionError("a schedule is of samples that are kept", "leave --rejected out")
    options = find("export format", wanted.format, EXPORTERS).parse(wanted.options)
    request = ScheduleRequest(fraction=wanted.fraction, selection=wanted.selection, options=options)
    reader, dataset = reopened(store, settings)
    return scheduled_job(store, reader, dataset, request, settings)
