"""Embeddings by words, and what is selected in them, under the kernels of other processors."""

from __future__ import annotations

from collections.abc import Callable

PROGRAM = """
import hashlib, json, random, sys
import prune
from prune.store import Store

draw = random.Random(0)
words = [f"w{draw.randrange(900)}" for _ in range(9000)]
lines = (json.dumps({"text": " ".join(draw.sample(words, 12)), "label": n % 2}) for n in range(300))
open("a.jsonl", "w").write("\\n".join(lines))
prune.embed(sys.argv[1], "a.jsonl", encoder="ngrams")
print(hashlib.md5(Store(sys.argv[1]).column("embedding.ngrams").read().tobytes()).hexdigest())
prune.select(sys.argv[1], method="kcenter", fraction=0.2, on="ngrams")
print(open(sys.argv[1] + "/selections/kcenter/keys.txt").read())
"""


def test_other_kernels_and_threads_select_the_same(said: Callable[..., str]) -> None:
    one = said(PROGRAM, 1, "one")
    assert said(PROGRAM, 2, "two", OPENBLAS_CORETYPE="Prescott") == one
    assert one.count("a.jsonl:") == 60
