"""A dataset open for one command: found, scanned, the same as last time, rejects counted."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prune.core.errors import DataError, OptionError, PruneError, RejectsError, StoreError
from prune.core.object_names import address, is_address
from prune.core.option_words import whole_path
from prune.modalities.image.bit_depth import bits_of, remark
from prune.modalities.image.decode_settings import DEEP, MAX_PIXELS, Decoding, pixels_of
from prune.readers import Reader
from prune.readers.folders.layout import LayoutError
from prune.readers.scan import scan
from prune.readers.scan_summary import scan_line
from prune.readers.scanned import Scanned
from prune.steps.expected_modality import require_images, require_payloads
from prune.steps.grown_dataset import GrownDataset
from prune.steps.holdout import DRAWN, FRACTION, Holdout, set_aside, sides_of, with_holdout
from prune.steps.located_reader import LIMIT, reader_at
from prune.steps.recovery import commands_of
from prune.steps.replacement import tell_hidden
from prune.steps.resumed_command import place_remembered, with_dataset
from prune.steps.settings import DEFAULTS, Settings
from prune.steps.stale_dataset import stale
from prune.steps.store_place import place_store
from prune.store import Column, Dataset, Growth, Store
from prune.store.layout import DATASETS, LOCATION, SCANS
from prune.store.rejects import list_rejects
from prune.store.unfinished import Note, noted
from prune.system import files
from prune.system.checksummed_json import sealed
from prune.system.local_paths import is_there, labels_at, labels_near, real


@dataclass(frozen=True)
class Opened:
    """A dataset with the store that knows it."""

    store: Store
    reader: Reader
    dataset: Dataset
    fingerprint: str
    settings: Settings
    max_pixels: int = MAX_PIXELS  # of an image
    bits: int | None = None  # of 16-bit pictures, where another dataset decides what is white
    location: Mapping[str, Any] = field(default_factory=dict)  # of a command's DATA; see `locate`
    grown: GrownDataset | None = None  # what changed since the state that the store is about

    @functools.cached_property
    def growth(self) -> Growth:
        """What of the columns of earlier states can be carried over: nothing where all is made anew."""
        return Growth(self.store, self.dataset, anew=self.settings.refresh)

    @property
    def payloads(self) -> Scanned:
        """Where samples are read from, as they were scanned; see `require_payloads`."""
        require_payloads(self.reader, self.dataset)
        bits = bits_of(self.dataset.depths) if self.bits is None else self.bits
        return Scanned(self.reader, Decoding(self.max_pixels, bits))

    @property
    def images(self) -> Scanned:
        """Where images are read from; see `require_images`."""
        require_images(self.reader, self.dataset)
        return self.payloads

    def pixels(self, size: int) -> Column:
        """Return the images at so many pixels a side, decoded once: the column `images.SIZE`."""
        from prune.proxy.cache import cache_images  # loads torch: only what looks at images

        how: Any = {"workers": self.settings.workers, "reporter": self.settings.reporter}
        return cache_images(self.store, self.images, self.dataset, size, carry=self.growth.made_alike, **how)

    def decoded_as(self, recipe: Mapping[str, Any]) -> Opened:
        """Return the same, with images decoded as those of a column with this recipe."""
        return replace(self, max_pixels=recipe.get("max_pixels", MAX_PIXELS), bits=recipe.get("bits", DEEP))


@contextlib.contextmanager
def opened(
    store: Store,
    data: str | None,
    settings: Settings,
    *,
    verb: str = "",
    command: str = "",
    grows: bool = False,
) -> Iterator[Opened]:
    """Open and scan a dataset, holding the store for writing.

    Parameters
    ----------
    verb, command
        What opens it, in words: kept in the store until the block ends, so that it can be gone on with.
    grows
        Whether a dataset that changed is gone on with, as `Opened.grown` and `Opened.growth` tell.

    Raises
    ------
    DataError
        There is no such dataset, or it cannot be read.
    StoreError
        The store is busy, or was made from another dataset or from this one before it changed.
    """
    location = locate(store, data, settings)
    drawn = int(settings.reading.get(DRAWN, settings.seed))
    location["reading"] = with_holdout(store, location["reading"], settings.reading.get(FRACTION), drawn)
    held_out = Holdout.read(location["reading"])
    with _as_it_was(store, location, settings):
        reader = reader_at(location)  # before the store is made
    place_store(store, reader, location["data"], settings.reporter)
    with store.writing(wait=settings.wait, say=settings.reporter.say), contextlib.ExitStack() as held:
        kept = _noted(store, location)
        forget_place = place_remembered(store, kept)
        words = with_dataset(store, command, location, kept, refresh=settings.refresh)
        note = held.enter_context(noted(store.path, verb, words)) if verb else Note()
        note.has_work(yet=False)
        try:
            with _as_it_was(store, location, settings):
                dataset = _scanned(store, reader, settings, held_out)
        except PruneError:
            forget_place()
            raise
        place = str(reader.root) if reader.format == "imagefolder" else location["data"]  # of the split
        settings.reporter.say(scan_line(place, dataset))
        if said := remark(dataset.depths):
            settings.reporter.say(said)
        fingerprint = dataset.fingerprint
        grown = None if settings.refresh else GrownDataset.of(store, dataset)
        if grown is not None and not grows:
            raise stale(store, dataset)
        if grown is not None:
            settings.reporter.say(str(grown))
        if not store.holds_dataset(fingerprint):
            if grown is None:
                tell_hidden(store, fingerprint, settings.reporter.say)
            store.write_dataset(dataset)
        note.has_work(yet=True)
        limit = pixels_of(location["reading"].get(LIMIT))
        yield Opened(store, reader, dataset, fingerprint, settings, limit, location=location, grown=grown)
        _remember(store, location)


def _scanned(store: Store, reader: Reader, settings: Settings, rule: Holdout | None) -> Dataset:
    try:
        found = scan(reader, store.path / SCANS, settings.reporter)
        return set_aside(found, rule, sides_of(store, rule, anew=settings.refresh))
    except RejectsError as error:
        list_rejects(store.path, [], dict(error.rejects))
        raise


def reopened(store: Store, settings: Settings, *, fresh: bool = False) -> tuple[Reader, Dataset]:
    """Open the dataset that the store knows, for reading; `fresh`: read all of it, whatever its time stamps.

    Raises
    ------
    StoreError
        The store is missing, or the dataset changed since it was scored.
    DataError
        The dataset is not where it was.
    """
    location = locate(store, None, settings)
    with _as_it_was(store, location, settings):
        reader = reader_at(location)
        known = store.path / ("no scans" if fresh else SCANS)
        dataset, rule = scan(reader, known, settings.reporter, keep=False), Holdout.read(location["reading"])
        dataset = set_aside(dataset, rule, sides_of(store, rule))
    if dataset.fingerprint != store.state.get("dataset"):
        raise stale(store, dataset)
    return reader, dataset


def unscanned(store: Store, dataset: Dataset, settings: Settings) -> Opened:
    """Open the dataset that a store knows to look at single samples, without a look at all the others."""
    location = locate(store, None, settings)
    limit = pixels_of(location["reading"].get(LIMIT))
    return Opened(store, reader_at(location), dataset, dataset.fingerprint, settings, limit)


def opened_under_lock(store: Store, settings: Settings) -> Opened:
    """Open the dataset that the store knows, for the holder of the store's lock; errors as of `reopened`."""
    reader, dataset = reopened(store, settings)
    limit = locate(store, None, settings)["reading"].get(LIMIT)
    return Opened(store, reader, dataset, dataset.fingerprint, settings, pixels_of(limit))


def known_dataset(store: Store, settings: Settings, what: str = "selecting from the store alone") -> Dataset:
    """Return the dataset of a store, after a look whether its files are still the same.

    The dataset as a whole may be out of reach; then the reporter is told so, and `what` is done about it.

    Raises
    ------
    StoreError
        The store is missing, or the dataset changed since.
    """
    known = store.dataset
    try:
        return reopened(store, settings)[1]
    except DataError as error:
        settings.reporter.say(f"{error}; {what}")
        return known


def locate(store: Store, data: str | None, settings: Settings = DEFAULTS) -> dict[str, Any]:
    """Return where DATA, else the dataset of a store, lies (`data`), and how it is read (`reading`)."""
    asked = {name: value for name, value in settings.reading.items() if value is not None}
    if data is not None:
        if not os.fspath(data):
            raise OptionError("DATA is an empty text", "name the dataset; . is the current folder")
        return {"data": address(data) or os.fspath(data), "reading": asked, "settled": False}
    try:
        kept = files.read_record(store.path / LOCATION)
        near = address(kept["data"]) or os.path.normpath(real(store.path) / kept["relative"])
        absolute, reading = kept["data"], dict(kept["reading"])
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{store.path} does not know where its dataset is", f"{_naming(store)}   # name it"
        ) from error
    place = next((place for place in (near, absolute) if is_there(place)), None)
    if place is None:
        raise DataError(f"the dataset is no longer at {absolute}", f"{_naming(store)}   # name it")
    if "labels" in reading:  # as seen from the data: both can move together
        reading["labels"] = labels_at(reading["labels"], place)
    if "no_labels" in asked:  # what was asked for now goes before what is remembered
        reading = {name: value for name, value in reading.items() if name not in _LABELLING}
    elif _LABELLING & asked.keys():
        reading.pop("no_labels", None)
    return {"data": place, "reading": reading | asked, "settled": True}


_LABELLING = {"labels", "label_field"}


def _naming(store: Store) -> str:
    return f"{commands_of(store)(DATASETS)} DATA"


@contextlib.contextmanager
def _as_it_was(store: Store, location: Mapping[str, Any], settings: Settings) -> Iterator[None]:
    """Say of data that could be read when the store was made, and lies there, that it is stale."""
    try:
        yield
    except LayoutError:
        raise  # the data need not have changed: it says itself how to read it as before
    except (DataError, OptionError) as error:
        passing = getattr(error.__cause__, "errno", None) not in {None, errno.ENOENT, errno.ENOTDIR}
        if passing or settings.refresh or not _is_known(store, location):
            raise
        raise StoreError(
            f"stale: {error}; it was not so when {store.path} was made",
            "bring the data back as it was, or add --refresh to embed or score once it can be read",
        ) from error


def _is_known(store: Store, location: Mapping[str, Any]) -> bool:
    """Whether the store is about the dataset at this place, read in this way."""
    try:
        about = store.state.get("dataset") if store.exists() else None
        known = locate(store, None)
    except (StoreError, DataError):
        return False
    return about is not None and _noted(store, known) == _noted(store, location)


def _remember(store: Store, location: Mapping[str, Any]) -> None:
    new, path = sealed(_noted(store, location)), store.path / LOCATION
    if not path.is_file() or path.read_bytes() != files.json_bytes(new):
        files.write_json(path, new)


def _noted(store: Store, location: Mapping[str, Any]) -> dict[str, Any]:
    """Return a location as the store keeps it."""
    absolute, reading = whole_path(location["data"]), dict(location["reading"])
    relative = absolute if is_address(absolute) else os.path.relpath(absolute, real(store.path))
    if "labels" in reading:
        reading["labels"] = labels_near(reading["labels"], absolute)
    return {"data": absolute, "relative": relative, "reading": reading}
