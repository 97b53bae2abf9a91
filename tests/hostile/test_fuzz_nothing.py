"""Random input from nothing: five parsers, each with whatever hypothesis thinks of."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prune.core.errors import PruneError
from prune.core.progress import SILENT
from prune.core.quota import keep_count
from prune.core.safe_text import printable
from prune.exporters.file_names import file_names, safe_name, shard_keys
from prune.exporters.staging.existing_export import checked_path
from prune.readers import open_reader
from prune.readers.sample import key_problem
from prune.readers.scan import scan
from prune.readers.tar.label import label_of, places
from prune.steps.report.status import status
from prune.store import Store

text = st.text(st.characters(exclude_categories=[]), max_size=60)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | text
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=12)
blocks = st.lists(
    st.binary(max_size=40) | st.sampled_from([bytes(512), bytes(1024), b"ustar\x0000"]), max_size=30
)


def tars_from_nothing(drawn: list[bytes], folder: Path) -> None:
    data = b"".join(drawn)
    padded = data + bytes(-len(data) % 512) + bytes(1024)
    for whole in (data, padded):
        (folder / "x.tar").write_bytes(whole)
        with contextlib.suppress(PruneError):
            scan(open_reader(str(folder)), folder / "none", SILENT, keep=False)


def labels_from_nothing(drawn: tuple[str, Any], folder: Path) -> None:
    words, value = drawn
    for where in (None, "json.label", "cls", "a.json.b"):
        held = {"cls": words.encode(errors="surrogatepass"), "json": json.dumps(value).encode()}
        with contextlib.suppress(ValueError):
            found = label_of(held, places(where))
            assert found is None or (0 < len(found) <= 64 and found.encode())


def records_from_nothing(drawn: Any, folder: Path) -> None:
    (folder / "store").mkdir(exist_ok=True)
    for name in ("store/store.json", "dataset_dict.json"):
        (folder / name).write_text(json.dumps(drawn))
    for use in (lambda: status(Store(folder / "store")), lambda: open_reader(str(folder), as_="huggingface")):
        with contextlib.suppress(PruneError):
            use()


def fractions_from_nothing(drawn: tuple[str, int], folder: Path) -> None:
    words, n = drawn
    with contextlib.suppress(PruneError):
        assert 1 <= keep_count(words, n) <= n


def keys_from_nothing(drawn: str, folder: Path) -> None:
    key = drawn
    shown = printable(key)
    assert printable(shown) == shown
    assert not any(c < " " or "\x7f" <= c <= "\x9f" or c in "\u202e\u2028" for c in shown)
    for name in (safe_name(key), *file_names([key], ["x"])):
        assert checked_path(name)
    if key_problem(key) is None:
        assert "\n" not in key
        assert ".." not in key.split("/")
        (name,) = shard_keys([key])
        assert not name.startswith("/")


TARGETS: dict[str, tuple[Any, Callable[[Any, Path], None]]] = {
    "tar reader": (blocks, tars_from_nothing),
    "label parser": (st.tuples(text, values), labels_from_nothing),
    "JSON reader": (values, records_from_nothing),
    "fraction parser": (
        st.tuples(
            text | st.from_regex(r"\A[-+]?[0-9_]{0,6}\.?[0-9]{0,9}(e-?[0-9]{1,9})?\Z"), st.integers(1, 10**9)
        ),
        fractions_from_nothing,
    ),
    "key cleaner": (text, keys_from_nothing),
}


def drawn_from_nothing(name: str, in_time: Any, folder: Path, count: int) -> int:
    drawn, use = TARGETS[name]
    seen = 0

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn)
    def tried(value: Any) -> None:
        nonlocal seen
        seen += 1
        with in_time():
            use(value, folder)

    tried()
    return seen


@pytest.mark.parametrize("name", TARGETS)
def test_from_nothing(name: str, in_time: Any, tmp_path: Path, tally: Any) -> None:
    tally("Fuzzing", name, "cases", drawn_from_nothing(name, in_time, tmp_path, 300))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", TARGETS)
def test_from_nothing_for_long(name: str, in_time: Any, tmp_path: Path, tally: Any) -> None:
    tally("Fuzzing", name, "cases", drawn_from_nothing(name, in_time, tmp_path, 20_000))
