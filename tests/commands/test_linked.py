"""Class folders that are links, through all verbs: nothing of them is lost, changed or forgotten."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two linked classes of a larger dataset, in the current folder."""
    for number in range(12):
        path = tmp_path / "full" / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        sink = io.BytesIO()
        pixels = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(sink, "PNG")
        path.write_bytes(sink.getvalue())
    (tmp_path / "some").mkdir()
    for name in "ac":
        (tmp_path / "some" / name).symlink_to(f"../full/{name}")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "some"


def names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.glob("*/*.png")}


def test_what_is_chosen_is_exported_and_verified(data: Path, prune: Callable[..., Any]) -> None:
    assert prune("embed", "--encoder", "pixels", "--workers", 0, "some").code == 0
    assert prune("select", "--method", "random", "--fraction", 0.5).code == 0
    before = sorted(path.read_bytes() for path in Path("full").rglob("*.png"))
    for link in ("copy", "hard", "sym"):
        out = Path(f"out-{link}")
        said = prune("export", "--format", "imagefolder", "--link", link, "--out", out)
        assert said.code == 0, said.err
        assert len(names(out)) == 4
        assert all((out / name).read_bytes() == (data / name).read_bytes() for name in names(out))
        assert not any(path.is_symlink() for path in out.iterdir())
        assert prune("verify", out).code == 0
    assert prune("verify").code == 0
    assert sorted(path.read_bytes() for path in Path("full").rglob("*.png")) == before


def test_a_change_behind_a_link_is_found(data: Path, prune: Callable[..., Any]) -> None:
    assert prune("embed", "--encoder", "pixels", "--workers", 0, "some").code == 0
    (Path("full") / "b" / "1.png").unlink()  # nobody linked to it
    assert prune("select", "--method", "random", "--fraction", 0.5).code == 0
    (Path("full") / "c" / "2.png").write_bytes((Path("full") / "a" / "0.png").read_bytes())
    said = prune("select", "--method", "random", "--fraction", 0.5)
    assert (said.code, "c/2.png changed" in said.err) == (4, True), said.err
