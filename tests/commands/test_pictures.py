"""Large pictures and deep ones, through the commands: what is asked for once is remembered, and said."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prune.store import Store

EMBED = ("embed", "--encoder", "pixels", "--workers", 0)


def put(path: str, image: Image.Image) -> None:
    sink = io.BytesIO()
    image.save(sink, "PNG")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(sink.getvalue())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_largest_picture_is_remembered(prune: Callable[..., Any]) -> None:
    for number in range(4):
        put(f"data/{'ab'[number % 2]}/{number}.png", Image.new("RGB", (200, 100 + 10 * number), "red"))
    said = prune(*EMBED, "--max-pixels", 0.021, "data")
    assert said.code == 3, said.err
    assert "200x110 pixels" not in said.err or "limit of 0.021 megapixels" in said.err
    assert prune(*EMBED, "--max-pixels", 0.05, "data").code == 0
    recipe = Store(".prune").column("embedding.pixels").recipe
    assert recipe["max_pixels"] == 50_000
    assert json.loads(Path(".prune/location.json").read_text())["reading"] == {"max_pixels": "0.05"}
    assert prune(*EMBED).code == 0  # the store knows how its data is read
    assert Store(".prune").column("embedding.pixels").recipe == recipe
    assert prune(*EMBED, "data").code == 0
    assert "max_pixels" not in Store(".prune").column("embedding.pixels").recipe


def test_a_smaller_limit_counts_though_the_column_is_whole(prune: Callable[..., Any]) -> None:
    for number in range(4):
        put(f"data/{'ab'[number % 2]}/{number}.png", Image.new("RGB", (200, 100 + 10 * number), "red"))
    assert prune(*EMBED, "data").code == 0
    said = prune(*EMBED, "--max-pixels", 0.0205, "data")
    assert said.code == 3
    assert "200x110 pixels is over the limit of 0.0205 megapixels" in said.err
    assert prune(*EMBED, "--max-pixels", 0.05, "data").code == 0
    assert prune(*EMBED, "--max-pixels", 0.05, "data").out.startswith("unchanged: ")


@pytest.mark.parametrize("given", ["0", "-1", "nan", "99999"])
def test_a_limit_that_is_none_is_refused(prune: Callable[..., Any], given: str) -> None:
    put("data/a/1.png", Image.new("L", (8, 8)))
    said = prune(*EMBED, "--max-pixels", given, "data")
    assert (said.code, "--max-pixels" in said.err) == (2, True), said.err


def spans() -> list[float]:
    values = Store(".prune").column("embedding.pixels").read().astype(np.float32)
    return (values.max(1) - values.min(1)).tolist()


def test_pictures_of_twelve_bits_are_not_black(prune: Callable[..., Any]) -> None:
    ramp = np.add.outer(np.arange(24), np.arange(24)) / 46
    for number, top in enumerate([4095, 4095, 2000]):
        put(f"data/a/{number}.png", Image.fromarray((np.roll(ramp, number, 1) * top).astype(np.uint16)))
    said = prune(*EMBED, "data")
    assert said.code == 0, said.err
    assert "3 pictures of 16 bits use 12: 4,095 is white in all of them" in said.err
    assert Store(".prune").column("embedding.pixels").recipe["bits"] == 12
    assert min(spans()) > 0.7
    assert spans()[2] < 0.6 * spans()[0]  # one scale for all: the darker one stays darker
    put("data/b/3.png", Image.fromarray((ramp * 65_535).astype(np.uint16)))
    said = prune(*EMBED, "--refresh", "data")
    assert "so 3 that use 13 bits or fewer are nearly black" in said.err
    assert "bits" not in Store(".prune").column("embedding.pixels").recipe
