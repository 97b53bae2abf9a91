"""The test set: a dataset, a split or another store, with the classes of the training set; and what leaks."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prune.core.arrays import Rows
from prune.core.errors import DataError, OptionError, PruneError
from prune.core.object_names import is_address
from prune.core.safe_text import counted, printable
from prune.core.store_option import in_store
from prune.encoders import PRECOMPUTED
from prune.readers import Reader, open_reader
from prune.readers.arrays import Arrays
from prune.readers.scan import scan
from prune.steps.dataset_session import Opened, locate, reopened
from prune.steps.evaluate.held_out_features import hand_on_features
from prune.steps.evaluate.test_advice import words_of_a_test
from prune.steps.holdout import held_out_part
from prune.steps.located_reader import reader_words
from prune.steps.rejects import all_rejects, check_rejects
from prune.steps.select.target.pool import TargetPool, with_classes
from prune.store import Dataset, Store, identity
from prune.store.layout import SCANS, TARGETS
from prune.system.local_paths import is_there

if TYPE_CHECKING:
    from prune.store import Column

_ANOTHER = "name the place of a dataset with labels, or one of the splits, with --test"
_TOLD = (
    "as_",
    "label_field",
    "image_column",
    "text_field",
    "template",
)  # what the reader of the training set was told


@dataclass(frozen=True)
class TestSamples:
    """Samples to test on, whose labels are class ids of the training set."""

    source: str
    reader: Reader
    scanned: Dataset  # as it was read
    dataset: Dataset  # with the classes of the training set
    leaked: int  # samples that are in the training set, byte for byte
    store: Store | None = None  # that was named instead of the dataset
    is_own_part: bool = False  # of the training set's dataset, held out by the store

    @property
    def recipe(self) -> dict[str, Any]:
        """What the outcome depends on."""
        labels = hashlib.sha256(self.dataset.labels.astype("<i4").tobytes()).hexdigest()
        return {"data": self.scanned.fingerprint, "split": self.scanned.split, "labels": labels}

    @property
    def about(self) -> dict[str, Any]:
        """What is said of it."""
        return {
            "source": self.source,
            "split": self.scanned.split,
            "n": len(self.dataset),
            "leaked": self.leaked,
        }


def open_test_set(opened: Opened, test: str | None, split: str | None, labels: str | None) -> TestSamples:
    """Find, scan and check a test set.

    Parameters
    ----------
    test
        A dataset in any format, another store, or a split of the training set's dataset; None: what the
        store holds out.
    split, labels
        Of another dataset: its split, a file of its labels.

    Raises
    ------
    OptionError
        `test` is none of these; or it is None, and nothing is held out.
    DataError
        No labels, classes that the training set has not, or nothing but samples of the training set.
    """
    if test is None:
        return _own_part(opened, split or labels)
    reader, held = _reader(opened, test, split, labels)
    scanned = scan(reader, opened.store.path / SCANS, opened.settings.reporter)
    _require_labels(scanned, test)
    named = with_classes(scanned, opened.dataset.classes)
    _require_classes(scanned, named, test, opened)
    found = TestSamples(
        test, reader, scanned, named, _in_both(opened.dataset, opened.dataset.usable, scanned), held
    )
    _tell_leak(found, opened)
    return found


def _own_part(opened: Opened, told: str | None) -> TestSamples:
    """Return what the store holds out: never trained on, and no copy of what is."""
    dataset = opened.dataset
    if not len(dataset.held_out):
        raise OptionError(
            "evaluate wants --test, since the store holds nothing out",
            words_of_a_test(opened.store),
        )
    if told is not None:
        raise OptionError(f"{told} is of another test set, and none is named", _ANOTHER)
    part = held_out_part(dataset)
    return TestSamples("the samples held out", opened.reader, part, part, leaked=0, is_own_part=True)


def column_of(opened: Opened, held: TestSamples, like: Column, device: str) -> tuple[Column, dict[int, str]]:
    """Return the test samples as the target sees them, and those that it cannot see.

    They lie in a store of their own within that of the training set, and are made once.

    Raises
    ------
    RejectsError
        Samples cannot be read, and the settings do not say to go on without them.
    OptionError, StoreError
        An embedding of them cannot be made.
    """
    from prune.core.column_name import OF_PAYLOADS, ColumnName

    fingerprint, settings = held.scanned.fingerprint, opened.settings
    if held.store is not None and ColumnName(like.name).kind not in OF_PAYLOADS:
        return _of_store(held.store, like), all_rejects(held.store, held.scanned)
    store = Store(opened.store.path / TARGETS / fingerprint[:16])
    with store.writing(wait=settings.wait, say=settings.reporter.say):
        if not store.holds_dataset(fingerprint):
            store.write_dataset(held.scanned)
        if held.is_own_part:
            hand_on_features(opened.store, store, held.scanned)
        ready = Opened(store, held.reader, held.scanned, fingerprint, settings).decoded_as(like.recipe)
        _require_at_hand(like, held)
        column = _column(opened.store, ready, like, held.source, device)
        rejects = {**held.scanned.rejects, **column.rejects}
        check_rejects(ready, rejects, "test samples")
        store.publish(dataset=fingerprint, columns={column.name: identity(column.recipe)})
    return column, rejects


def _require_at_hand(like: Column, held: TestSamples) -> None:
    """Refuse another dataset where features are of the user's own, which a store of it can hold."""
    if like.recipe.get("encoder") != PRECOMPUTED or held.is_own_part:
        return
    place = f"{Path(held.source).name or 'test'}.prune"
    told = ["--features", "FILE"]
    if isinstance(held.reader, Arrays) and held.reader.holds_features:  # which are what is learnt from
        told = ["--labels", str(held.reader.root / str(held.reader.labels))]
    words = shlex.join(["prune", "embed", *told, "--store", place, held.source])
    raise OptionError(
        f"{like.name} was computed elsewhere, so prune cannot look at {held.source} in the same way",
        f"{words}   # then --test {shlex.quote(place)}",
    )


def _column(store: Store, ready: Opened, like: Column, source: str, device: str) -> Column:
    from prune.core.column_name import FEATURES, OF_PAYLOADS, ColumnName
    from prune.steps.proxy_inputs import seen_as
    from prune.steps.select.target.dataset import by_encoder, by_proxy

    if like.name == FEATURES:
        made = by_proxy(TargetPool(store, FEATURES), ready, source, device)
        return next(column for column in made if column.name == FEATURES)
    if ColumnName(like.name).kind not in OF_PAYLOADS:
        return by_encoder(store, like, ready, source, device)
    return seen_as(ready, like)


def _of_store(store: Store, like: Column) -> Column:
    column = store.column(like.name)
    if column.shape[1:] != like.shape[1:]:
        raise OptionError(
            f"{like.name} of {store.path} has rows of {column.shape[1]} numbers, here of {like.shape[1]}",
            "compute the features of both alike",
        )
    return column


def _reader(opened: Opened, test: str, split: str | None, labels: str | None) -> tuple[Reader, Store | None]:
    if not test:
        raise OptionError("--test is an empty text", _ANOTHER)
    if not is_address(test) and Store(test).exists():
        store = Store(test)
        return reopened(store, replace(opened.settings, reading={}))[0], store
    location = opened.location or locate(opened.store, None)
    told = {name: location["reading"][name] for name in _TOLD if name in location["reading"]}
    if is_there(test) or any(sign in test for sign in "*?[{") or "/" in test:
        if told:
            with contextlib.suppress(DataError, OptionError):
                return open_reader(test, split=split, labels=labels, **told), None
        return open_reader(test, split=split, labels=labels), None
    if split is not None:
        raise OptionError(f"no data at {test}, so it has no split {split}", _ANOTHER)
    reading = reader_words(location["reading"]) | {"split": test}
    try:
        return open_reader(location["data"], **reading), None
    except PruneError as error:
        raise OptionError(
            f"--test {test} is neither a dataset nor a split of {location['data']}: {error}",
            words_of_a_test(opened.store),
        ) from error


def _require_labels(scanned: Dataset, test: str) -> None:
    usable = scanned.usable
    if not len(usable):
        raise DataError(f"no sample of the test set {test} can be read", "name another one with --test")
    if not (scanned.labels[usable] >= 0).any():
        raise DataError(
            f"the test set {test} has no labels, so nobody can say what is right",
            "--test-labels FILE   # by key or file name, or name another test set",
        )


def _require_classes(scanned: Dataset, named: Dataset, test: str, opened: Opened) -> None:
    foreign = np.unique(scanned.labels[(scanned.labels >= 0) & (named.labels < 0)])
    if len(foreign):
        samples = int(np.isin(scanned.labels, foreign).sum())
        shown = ", ".join(repr(printable(scanned.classes[place])) for place in foreign[:3])
        more = ", …" if len(foreign) > 3 else ""
        raise DataError(
            f"{counted(samples, 'sample')} of the test set {test} have classes that the training set "
            f"has not: {shown}{more}",
            "name the classes alike in both, or leave these samples out of the test set",
        )
    lacking = sorted(set(range(len(named.classes))) - set(np.unique(named.labels).tolist()))
    if lacking:
        shown = ", ".join(repr(printable(named.classes[place])) for place in lacking[:3])
        opened.settings.reporter.say(
            f"warning: the test set has no sample of {counted(len(lacking), 'class')}: {shown}"
        )


def _in_both(train: Dataset, rows: Rows, test: Dataset) -> int:
    """Return how many usable test samples are among these rows of the training set's dataset."""
    known = train.samples["digest"].take(pa.array(rows))
    inside = pc.is_in(test.samples["digest"], value_set=known, skip_nulls=True)
    found = pc.and_(inside, pc.and_(test.samples["digest"].is_valid(), test.samples["reason"].is_null()))
    return int(pc.sum(found).as_py() or 0)


def _tell_leak(found: TestSamples, opened: Opened) -> None:
    """Say how much of the test set is trained on; all of it tests nothing.

    Raises
    ------
    DataError
        All of it is, or all but what the store holds out of the same data.
    """
    if not found.leaked:
        return
    of, split = len(found.scanned.usable), found.scanned.split
    share = (
        f"{found.leaked:,} of {of:,} test samples ({100 * found.leaked / of:.3g} %) are in the training set"
    )
    if found.leaked == of:
        which = f" (both are its split {split})" if split and split == opened.dataset.split else ""
        raise DataError(f"{share}{which}: that tests nothing", _ANOTHER)
    if found.leaked + _in_both(opened.dataset, opened.dataset.held_out, found.scanned) == of:
        raise DataError(
            f"{share}, and the others are held out of it: that is the dataset itself",
            words_of_a_test(opened.store),
        )
    clean = f"prune select --method random --fraction 0.3 --drop-leaks {shlex.quote(found.source)}"
    opened.settings.reporter.say(
        f"warning: {share}, byte for byte; their accuracy is no news. Without these, and without copies that "
        f"were changed a little: {in_store(clean, str(opened.store.path))}"
    )
