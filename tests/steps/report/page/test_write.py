from __future__ import annotations

import itertools
import json
import re
import shutil
import webbrowser
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import prune
from prune.core.errors import OptionError, OutputError, StoreError
from prune.store import read_selection

Parts = list[tuple[str, dict[str, str]]]
VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """A page taken apart; tags that do not close are an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: Parts = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.parts if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(store: Path, out: Path, **asked: Any) -> tuple[Page, dict[str, Any]]:
    done = prune.report(store, out=out, **asked)
    assert done["bytes"] == out.stat().st_size
    return Page(out.read_text(encoding="utf-8")), done


@pytest.fixture(scope="module")
def shown(place: Path) -> tuple[Page, dict[str, Any]]:
    """The page of the latest selection, beside the store."""
    return page_of(place / "store", place / "page.html")


def test_the_page_has_headings_landmarks_and_says_what_was_kept(place: Path, tmp_path: Path) -> None:
    page, done = page_of(place / "store", tmp_path / "page.html", selection="hard")
    tags = [tag for tag, _ in page.parts]
    assert [tags.count(tag) for tag in ("h1", "main", "header", "footer", "nav")] == [1] * 5
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(later - one <= 1 for one, later in itertools.pairwise(levels))
    assert "36 of 72 samples kept" in page.text
    assert "--method top --fraction 0.5 --score el2n --drop-hardest 0.1 --name hard" in page.text
    assert "hardest 10 % 7" in page.text
    assert (done["k"], done["n"], done["unchanged"]) == (36, 72, False)
    assert set(done["samples"]) == {"kept", "dropped", "hardest", "easiest", "suspects", "duplicates"}
    assert all(cell.get("scope") in {"row", "col"} for cell in page.all("th"))


def test_every_part_that_is_linked_is_there_and_no_name_stands_twice(shown: Any) -> None:
    page = shown[0]
    names = [attributes["id"] for _, attributes in page.parts if "id" in attributes]
    assert len(names) == len(set(names))
    values = [value for _, attributes in page.parts for value in attributes.values()]
    asked = {value[1:] for value in values if value.startswith("#")}
    asked |= {one for value in values for one in re.findall(r"url\(#([^)]+)\)", value)}
    asked |= {
        attributes["aria-labelledby"] for _, attributes in page.parts if "aria-labelledby" in attributes
    }
    assert asked <= set(names)


def test_the_page_asks_nobody_for_anything(place: Path, shown: Any) -> None:
    page, text = shown[0], (place / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"(?:https?:)?//[a-z]", text.split("base64")[0]) == []
    assert page.all("script") == page.all("iframe") == page.all("object") == []
    rule = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert rule["content"].startswith("default-src 'none'")
    assert all(image["src"].startswith("data:image/") and image["alt"] for image in page.all("img"))
    assert not any(name.startswith("on") for _, attributes in page.parts for name in attributes)
    links = [link["href"] for link in page.all("a")]
    assert all(link.startswith(("#", "./", "../")) for link in links)


def test_links_lead_to_the_files(place: Path, shown: Any) -> None:
    links = [link["href"] for link in shown[0].all("a") if link.get("class") == "look"]
    assert len(links) > 50
    assert all((place / unquote(link)).is_file() for link in links)


def test_names_that_are_html_stay_text(shown: Any) -> None:
    page = shown[0]
    assert "<script>alert(" in page.text
    assert 'a"onerror=alert(1)' in page.text
    assert any('a"onerror=alert(1)' in image["alt"] for image in page.all("img"))


def test_the_same_store_and_seed_give_the_same_bytes(place: Path, shown: Any) -> None:
    def seen() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (place / "store").rglob("*") if path.is_file()}

    before = seen()
    again = prune.report(place / "store", out=place / "again.html")
    assert not again["unchanged"]
    assert (place / "again.html").read_bytes() == (place / "page.html").read_bytes()
    assert prune.report(place / "store", out=place / "again.html")["unchanged"]
    prune.report(place / "store", out=place / "again.html", settings=prune.Settings(seed=1))
    assert (place / "again.html").read_bytes() != (place / "page.html").read_bytes()
    assert seen() == before
    assert prune.verify(place / "store")["whole"]


def test_samples_that_are_gone_are_said_in_their_place(place: Path) -> None:
    away, out = place / "away", place / "gone.html"
    (place / "data").rename(away)
    try:
        page, done = page_of(place / "store", out)
        assert "the dataset is no longer at" in page.text
        assert all(one["unseen"] >= one["shown"] for one in done["samples"].values())
        assert [link for link in page.all("a") if link.get("class") == "look"] == []
        shutil.copytree(away, place / "data")
        files = sorted((place / "data" / "left").iterdir())
        for file in files:
            file.unlink()
            Image.new("RGB", (9, 9)).save(file) if file.name.startswith("0") else None
        page, done = page_of(place / "store", out)
    finally:
        shutil.rmtree(place / "data", ignore_errors=True)
        away.rename(place / "data")
    assert 3 < sum(one["unseen"] for one in done["samples"].values()) < 60
    assert "as the store keeps it: it is another file than the one that was scored" in page.text
    assert re.search(r"as the store keeps it: left/<script>alert\(\d+\)<.png cannot be read", page.text)
    assert len(page.all("img")) > 50


def test_what_evaluations_found_and_what_leaks_stand_on_the_page(place: Path) -> None:
    shutil.copytree(place / "store", place / "judged")
    for folder in sorted((place / "data").iterdir()):
        (place / "test" / folder.name).mkdir(parents=True)
        for number in range(3):
            noise = np.random.default_rng([number, len(folder.name)]).integers(0, 256, (12, 12, 3), np.uint8)
            Image.fromarray(noise).save(place / "test" / folder.name / f"{number}.png")
    copies = place / "copies" / "left"
    copies.mkdir(parents=True)
    for file in sorted((place / "data" / "left").iterdir())[:3]:
        shutil.copy(file, copies / f"held-{file.name}")
    store = prune.Store(place / "judged")
    prune.evaluate(store, test=str(place / "test"), select=["kcenter"], seeds=2, steps=2, size=8)
    page, done = page_of(place / "judged", place / "judged.html", selection="kcenter")
    assert done["evaluations"] == 3
    assert "accuracy-0" in done["charts"]
    rows = [cell for cell in page.all("tr") if cell.get("class") == "ours"]
    assert len(rows) == 1
    assert re.search(r"(not told apart|better|worse) beside random: [+-]\d", swapped(page))
    prune.select(store, method="random", count=20, drop_leaks=[str(place / "copies")])
    page, done = page_of(place / "judged", place / "judged.html", selection="random")
    assert done["samples"]["leaks"]["shown"] >= 3
    assert "held out: left/held-" in page.text
    assert [cell for cell in page.all("tr") if cell.get("class") == "ours"] == []


def swapped(page: Page) -> str:
    """Return the tiles, the value before what it is of, as they are shown."""
    words = [word.strip() for word in page.words if word.strip()]
    at = next(place for place, word in enumerate(words) if word.startswith("beside random: "))
    return f"{words[at + 1]} {words[at]}"


def test_a_store_with_only_a_selection(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    store = prune.Store(tmp_path / "store")
    prune.embed(store, str(tmp_path / "x.npy"), features=str(tmp_path / "x.npy"))
    prune.select(store, method="random", count=6)
    state = dict(store.state)
    store.publish(without=list(state["columns"]))
    page, done = page_of(tmp_path / "store", tmp_path / "page.html")
    assert "6 of 30 samples kept" in page.text
    assert done["samples"] == {"kept": {"shown": 6, "unseen": 6}, "dropped": {"shown": 18, "unseen": 18}}
    assert set(done["charts"]) == {"times"}
    assert "is a matrix of features, not of images" in page.text


def test_texts_begin_on_the_page(tmp_path: Path) -> None:
    lines = [f'{{"text": "sample {n} <b>&amp; {"word " * 90}", "label": "{"ab"[n % 2]}"}}' for n in range(30)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    store = prune.Store(tmp_path / "store")
    prune.embed(store, str(tmp_path / "texts.jsonl"), features=str(tmp_path / "x.npy"))
    prune.select(store, method="kcenter", count=6)
    page, done = page_of(tmp_path / "store", tmp_path / "page.html")
    assert re.search(r"sample \d+ <b>&amp; word", page.text)
    assert "…" in page.text
    assert page.all("img") == []
    assert done["samples"]["kept"] == {"shown": 6, "unseen": 0}


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    bad = [
        "</bdi><script>alert(1)</script>",
        "\x1b[2J\0",
        "\u202egnp.exe",
        "a\r\nb\rc",
        "<details open>" * 400,
    ]
    lines = [json.dumps({"text": f"{bad[n % 5]} {n}", "label": "ab"[n % 2]}) for n in range(30)]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines) + "\n")
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32))
    store = prune.Store(tmp_path / "store")
    prune.embed(store, str(tmp_path / "texts.jsonl"), features=str(tmp_path / "x.npy"))
    prune.select(store, method="random", count=15)
    page, _ = page_of(tmp_path / "store", tmp_path / "page.html")
    assert page.all("script") == []
    assert not [part for part in page.all("details") if part]  # with an attribute
    assert not {"\x1b", "\0", "\u202e", "\r"} & set(page.text)
    shown = [
        words
        for words in page.words
        if words.startswith(("</bdi>", "\\x1b[2J\\x00", "\\u202egnp", "a\nb\nc"))
    ]
    assert len(shown) > 15
    assert any(
        re.fullmatch(r"4,0\d\d more characters; 1,3\d\d after these are in the dataset", w)
        for w in page.words
    )
    places = [link["href"] for link in page.all("a") if link.get("class") == "key"]
    assert set(places) == {"./texts.jsonl"}
    assert re.search(r"texts\.jsonl, line \d+, [\d,]+ bytes from byte [\d,]+", page.text)


def test_many_large_noisy_pictures_stay_small(tmp_path: Path) -> None:
    from prune.modalities.image.look import thumbnail

    noise = np.random.default_rng(0).integers(0, 256, (1400, 1400, 3), dtype=np.uint8)
    looks = [thumbnail(Image.fromarray(noise)), thumbnail(Image.fromarray(noise[:64, :64]))]
    assert max(len(look.uri or "") for look in looks) < 33_000
    assert [look.plain for look in looks] == [False, True]


def test_a_page_is_not_written_under_the_name_of_something_else(place: Path, tmp_path: Path) -> None:
    for name in ("page.pdf", "page"):
        with pytest.raises(OptionError, match=r"it ends in neither \.html nor \.htm") as wrong:
            prune.report(place / "store", out=tmp_path / name)
        assert wrong.value.hint.endswith(f" --out {tmp_path / name}.html")
        assert not (tmp_path / name).exists()
    assert prune.report(place / "store", out=tmp_path / "PAGE.HTM")["bytes"] > 0


@pytest.mark.parametrize("kind", ["folder", "file", "store", "read-only"])
def test_a_place_that_is_not_for_the_page_is_refused(kind: str, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    if kind == "folder":
        out.mkdir()
    elif kind == "file":
        out.write_text("mine")
    elif kind == "store":
        out = place / "store" / "page.html"
    else:
        (tmp_path / "part").write_text("")
        out = tmp_path / "part" / "page.html"
    with pytest.raises(OutputError):
        prune.report(place / "store", out=out)
    assert kind != "file" or out.read_text() == "mine"


def test_a_store_without_a_selection_says_what_to_type(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((9, 3), np.float32))
    prune.embed(tmp_path / "store", str(tmp_path / "x.npy"), features=str(tmp_path / "x.npy"))
    with pytest.raises(StoreError, match="no selection yet"):
        prune.report(tmp_path / "store", out=tmp_path / "page.html")


def test_the_command_prints_where_the_page_is(
    place: Path, elsewhere: Path, prune: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or True)
    said = prune("report", "--store", place / "store", "--open")
    assert said.out.splitlines()[-1] == "in prune-report.html"
    assert shown == [(elsewhere / "prune-report.html").as_uri()]
    told = json.loads(prune("report", "--store", place / "store", "--json", "--selection", "hard").out)
    assert (told["out"], told["selection"]) == ("prune-report.html", "hard")
    missing = prune("report", "--store", place / "store", "--selection", "hrad")
    assert (missing.code, "did you mean 'hard'" in missing.err) == (4, True)


def test_what_is_held_out_or_cannot_be_used_is_not_counted_in_the_whole(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(44, 4)).astype(np.float32)
    rows[40:] = np.nan  # which cannot be used
    np.save(tmp_path / "x.npy", rows)
    store = prune.Store(tmp_path / "store")
    np.save(tmp_path / "y.npy", np.arange(44) % 2)
    reading = {"holdout": 0.25, "labels": str(tmp_path / "y.npy")}
    held = prune.Settings(reading=reading, on_error="skip", max_bad=0.2)
    prune.embed(store, str(tmp_path / "x.npy"), features=str(tmp_path / "x.npy"), settings=held)
    prune.select(store, method="random", count=6)
    usable = read_selection(store).about["usable"]
    assert 44 - 11 - 4 <= usable < 44 - 11
    assert f"6 of {usable} samples kept" in page_of(tmp_path / "store", tmp_path / "page.html")[0].text
