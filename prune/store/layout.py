"""File names and numbers of the store: FORMAT.md as constants."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

FORMAT = 1  # raised when an older version could no longer read what this one writes
PART_ROWS = 65_536  # rows of a column part; batches never cross a part
DIGEST_CHARS = 32  # of a SHA-256, in file names

STATE = "store.json"
LOCK = "lock"
LOCATION = "location.json"
DATASETS = "datasets"
COLUMNS = "columns"
SELECTIONS = "selections"
SCANS = "scans"
TARGETS = "targets"
REJECTS = "rejects.json"
KEYS = "keys.parquet"
TIMINGS = "timings.json"
PLAN = "plan.json"  # what was foreseen of a chain, before it ran
BEGUN = "begun.json"  # commands that did not end, by verb
ASIDE = "aside"  # folders that stood where a file of ours belongs, and the other way round

FILES = (LOCATION, REJECTS, TIMINGS, PLAN, KEYS)
FOLDERS = {DATASETS: 1, COLUMNS: 2, SELECTIONS: 1, SCANS: 1, TARGETS: 1}  # levels of folders below these
KNOWN = {STATE, LOCK, BEGUN, ASIDE, *FILES, *FOLDERS}  # all that may lie in a store

STOPPED = "stopped"  # an attachment of a column that may be gone on with, but is not owed
ATTACHED = {  # kinds of files beside the parts of a column: FORMAT.md says of each what it holds
    *("rejects", "weights", "checkpoint", STOPPED, "previous", "frame", "learnt", "watched", "seen"),
    *("cut", "longer", "values", "recall", "measured", "about", "outcome"),
}
RECIPE = "recipe.json"
COLUMN = "column.json"
DATASET = "dataset.json"
SELECTION = "selection.json"


def removal(path: Path) -> str:
    """Return the command that removes a file, or what stands in its place, for a shell."""
    return shlex.join(["rm", *(["-r"] if path.is_dir() else []), str(path)])


def identity(value: Any) -> str:
    """Sixteen hex characters that stand for a JSON value: equal values, equal identities."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
