"""Encoders of texts on one core: texts a second, and how often the nearest texts are of the same kind.

    python benchmarks/text_encoders.py --data snippets.jsonl --sentence FOLDER --static FOLDER

A line of the data has a text and a label: of vaderSentiment's sdist, the 23,703 snippets of four domains,
with the domain as label. Seconds are CPU seconds of this process, of `ngrams` with what it learns. Accuracy
is that of the majority of the ten nearest by cosine, for one text in eight among the others. `--texts` takes
the first so many.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np

import prune
from prune.store import Store

NEAREST, TESTED = 10, 8


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="jsonl with text and label")
    parser.add_argument("--texts", type=int, help="default: all")
    parser.add_argument("--sentence", help="folder of sentence-transformers")
    parser.add_argument("--static", help="folder of model2vec")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        lines = options.data.read_text(encoding="utf-8").splitlines(keepends=True)[: options.texts]
        (work / "texts.jsonl").write_text("".join(lines), encoding="utf-8")
        asked = {"ngrams": None, "static": options.static, "sentence": options.sentence}
        figures = {
            name: figures_of(work, name, weights)
            for name, weights in asked.items()
            if name == "ngrams" or weights is not None
        }
    print("| encoder | texts | dimensions | texts a second | of the same kind as the nearest |")
    print("|---|---|---|---|---|")
    for name, of in figures.items():
        rate, accuracy = of["texts"] / of["seconds"], 100 * of["accuracy"]
        print(f"| `{name}` | {of['texts']:,} | {of['dimensions']} | {rate:,.0f} | {accuracy:.1f} % |")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def figures_of(work: Path, encoder: str, weights: str | None) -> dict[str, Any]:
    """Encode the texts and look at their neighbours."""
    store, began = Store(work / f"{encoder}.prune"), time.process_time()
    made = prune.embed(store, str(work / "texts.jsonl"), encoder=encoder, weights=weights)
    seconds = time.process_time() - began
    values = np.asarray(store.column(made["column"]), np.float32)
    return {
        "texts": made["n"],
        "dimensions": made["shape"][1],
        "seconds": seconds,
        "cut": made["cut"],
        "accuracy": accuracy(values, np.asarray(store.dataset.labels)),
    }


def accuracy(values: np.ndarray, labels: np.ndarray) -> float:
    """Return how often the majority of the nearest others has the label of a text."""
    rows = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    tested = np.arange(len(rows)) % TESTED == 0
    others, known = rows[~tested], labels[~tested]
    right = 0
    for start in range(0, int(tested.sum()), 512):
        block, wanted = rows[tested][start : start + 512], labels[tested][start : start + 512]
        near = np.argpartition(-block @ others.T, NEAREST, axis=1)[:, :NEAREST]
        votes = np.apply_along_axis(np.bincount, 1, known[near], minlength=int(labels.max()) + 1)
        right += int((votes.argmax(1) == wanted).sum())
    return right / int(tested.sum())


if __name__ == "__main__":
    main()
