"""A training that is killed in mid-epoch goes on where it was, and sees every sample once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import prune
from prune.loaders import stream

KEPT = 23


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, chosen: Callable[..., prune.Store]) -> prune.Store:
    """Files of lines, 40 of them; 23 lines are kept."""
    folder = tmp_path_factory.mktemp("killed") / "data"
    folder.mkdir()
    for part in range(4):
        lines = [json.dumps({"text": f"text {part} {row}", "label": row % 3}) for row in range(10)]
        (folder / f"{part}.jsonl").write_text("\n".join(lines) + "\n")
    return chosen(str(folder), count=KEPT)


TRAINING = """
import json, os, sys
from torch.utils.data import DataLoader
from prune.loaders import stream

store, place, workers, die = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
source = stream(store, keys=True, shuffle=True, seed=7, batch_size=3)
if os.path.exists(place):
    source.load_state_dict(json.load(open(place)))
for batches, batch in enumerate(DataLoader(source, batch_size=3, collate_fn=list, num_workers=workers), 1):
    print(*[key for *_, key in batch], sep="\\n", flush=True)
    with open(place, "w") as file:
        json.dump(source.state_dict(batches=batches) if workers else source.state_dict(), file)
    if batches == die:
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_that_is_killed_and_goes_on_sees_every_sample_once(
    workers: int, store: prune.Store, tmp_path: Path
) -> None:
    seen: list[str] = []
    for die in (3, 2, 0):
        words = [str(store.path), str(tmp_path / "state.json"), str(workers), str(die)]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", TRAINING, *words], capture_output=True, text=True
        )
        assert done.returncode == (-9 if die else 0), done.stderr
        seen += done.stdout.splitlines()
    assert sorted(seen) == sorted(store.selection().keys.tolist())
    assert seen == [key for *_, key in stream(store, keys=True, shuffle=True, seed=7)]
