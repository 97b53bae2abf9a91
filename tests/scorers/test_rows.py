"""What the row of a scorer says of it is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from prune.core.directions import low_is_hard
from prune.core.method_rows import Scorer
from prune.index.space import EmbeddingSpace
from prune.proxy.deepfool_column import distances
from prune.proxy.sample_grad_norms import gradient_norms
from prune.proxy.trace import FACTS, facts, log_probabilities
from prune.scorers import SCORERS

N, T = 48, 7
BENCHMARK = Path(__file__).parents[2] / "docs/benchmarks.md"

every_scorer = pytest.mark.parametrize("name", SCORERS)


class World:
    """A training that was watched: everything that a scorer may need, of the same samples and labels."""

    def __init__(self, labels: np.ndarray, classes: int, epochs: int = T) -> None:
        draw = np.random.default_rng(0)
        self.labels = labels
        given, features = torch.from_numpy(labels), torch.from_numpy(draw.standard_normal((N, 5)))
        previous, trace = None, []
        for _ in range(epochs):
            logits = torch.from_numpy(3 * draw.standard_normal((N, classes))).float()
            trace.append(facts(logits, given, features, previous).float().numpy())
            previous = log_probabilities(logits)
        self.logits = logits.numpy()
        values = np.stack(trace)  # (t, 9, n)
        samples = torch.from_numpy(draw.standard_normal((N, 6))).float()
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, classes)).eval()
        self.needs: dict[str, Any] = {name: values[:, place] for place, name in enumerate(FACTS)}
        self.needs |= {
            "right": (self.needs["margin"] > 0).astype(np.float32),
            "gradient": gradient_norms(net, samples, given).float().numpy(),
            "boundary": distances(net, samples, classes=min(classes, 10)).numpy(),
            "space": EmbeddingSpace(features.float().numpy()),
            "labels": labels,
            "probs": torch.from_numpy(self.logits).softmax(1).numpy().astype(np.float16),
            "images": draw.integers(0, 256, (N, 3, 6, 6), np.uint8),
            "texts": ["a word " * count for count in draw.integers(1, 99, N)],
            "pictures": draw.standard_normal((N, 5)).astype(np.float32),
            "captions": draw.standard_normal((N, 5)).astype(np.float32),
        }

    def score(self, scorer: Scorer, **options: Any) -> np.ndarray:
        supplied = {"seed": 0, "classes": 4}
        words = {name: supplied[name] for name in scorer.supplied}
        scores = scorer.function(*(self.needs[need] for need in scorer.needs), **words, **options)
        return np.asarray(scores)


LABELS = np.arange(N) % 4
MANY = World(LABELS, 4)
OTHERWISE = World(np.random.default_rng(1).permutation(LABELS), 4)
TWO = World(LABELS % 2, 2, epochs=1)


@every_scorer
def test_other_labels_give_other_scores_where_the_row_says_that_it_looks_at_them(name: str) -> None:
    same = np.array_equal(MANY.score(SCORERS[name]), OTHERWISE.score(SCORERS[name]))
    assert same == (not SCORERS[name].looks_at_labels)


@pytest.mark.parametrize(
    "name", [n for n, scorer in SCORERS.items() if set(scorer.needs) <= {*FACTS, "right"}]
)
def test_an_epoch_again_and_again_says_nothing_to_those_that_compare_epochs(name: str) -> None:
    scorer = SCORERS[name]
    still = [np.repeat(MANY.needs[need][-1:], T, axis=0) for need in scorer.needs]
    scores = scorer.function(*still)
    kinds = len(np.unique(np.round(scores, 5)))
    assert (kinds <= 2) == scorer.compares_epochs  # two: of the right and the wrong


@pytest.mark.parametrize("name", [n for n, scorer in SCORERS.items() if "window" in scorer.options])
def test_a_window_is_taken_as_asked_while_the_epochs_hold_as_many_as_the_row_says(name: str) -> None:
    scorer = SCORERS[name]
    most = T // scorer.windows
    assert not np.array_equal(MANY.score(scorer, window=most), MANY.score(scorer, window=most - 1))
    assert np.array_equal(MANY.score(scorer, window=most), MANY.score(scorer, window=most + 1))


@pytest.mark.parametrize("name", [n for n, s in SCORERS.items() if s.loses_beyond is not None])
def test_beyond_its_value_the_other_of_two_classes_is_the_likelier(name: str) -> None:
    scorer = SCORERS[name]
    beyond = scorer.loses_beyond
    assert beyond is not None
    scores = TWO.score(scorer)
    lost = scores > beyond if scorer.high == "hard" else scores < beyond
    wrong = TWO.logits.argmax(1) != TWO.labels
    assert 0 < wrong.sum() < N
    assert np.array_equal(lost, wrong)


@pytest.mark.parametrize("name", [n for n, s in SCORERS.items() if set(s.needs) <= set(FACTS)])
def test_a_probability_is_that_of_the_label(name: str) -> None:
    same = np.array_equal(MANY.score(SCORERS[name]), MANY.needs["p_label"][-1])
    assert same == SCORERS[name].probability


@every_scorer
def test_only_those_that_say_which_labels_fit_badly_have_columns_of_them(name: str) -> None:
    scorer = SCORERS[name]
    assert scorer.tells_labels == (scorer.wrong_labels > 0.5)
    assert scorer.tells_labels or not (scorer.suspects or scorer.loses_beyond or scorer.probability)


def test_how_well_wrong_labels_are_told_is_what_was_measured() -> None:
    head, _, *lines = _table("AUROC, cifar10")
    place = head.index("AUROC, cifar10")
    measured = {cells[0].strip("`"): float(cells[place]) for cells in lines}
    told = {name: scorer.wrong_labels for name, scorer in SCORERS.items() if scorer.tells_labels}
    assert told == {name: measured[name] for name in told}


def _table(column: str) -> list[list[str]]:
    """Return the table that has a column, row by row."""
    lines = BENCHMARK.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|") and f" {column} " in line)
    last = next(i for i, line in enumerate(lines[first:], first) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[first:last]]


@every_scorer
def test_a_direction_says_which_end_is_hard(name: str) -> None:
    says = SCORERS[name].high not in {"", "long", "matching"}  # ends that are of no harder samples
    assert low_is_hard(SCORERS[name].high) in ({True, False} if says else {None})
