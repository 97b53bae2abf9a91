"""Embeddings by words, and what is selected in them, under the kernels of other processors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import hashlib, json, random
import prune
from prune.store import Store

draw = random.Random(0)
words = [f"w{draw.randrange(900)}" for _ in range(9000)]
lines = (json.dumps({"text": " ".join(draw.sample(words, 12)), "label": n % 2}) for n in range(300))
open("a.jsonl", "w").write("\\n".join(lines))
prune.embed("store", "a.jsonl", encoder="ngrams")
print(hashlib.md5(Store("store").column("embedding.ngrams").read().tobytes()).hexdigest())
prune.select("store", method="kcenter", fraction=0.2, on="ngrams")
print(open("store/selections/kcenter/keys.txt").read())
"""


def test_other_kernels_and_threads_select_the_same(tmp_path: Path) -> None:
    answers = []
    for threads, kernel in (("1", {}), ("2", {"OPENBLAS_CORETYPE": "Prescott"})):
        place = tmp_path / threads
        place.mkdir()
        names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads) | kernel
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, cwd=place, capture_output=True, check=True
        )
        answers.append(done.stdout)
    assert answers[0] == answers[1]
    assert answers[0].count(b"a.jsonl:") == 60
