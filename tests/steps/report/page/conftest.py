"""A browser to look at pages with: Chromium over a pipe, and what axe-core says of a page."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import prune

AXE = "4.14.1"  # of axe-core
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WAIT = 120  # seconds that a step of a busy machine may take

_AT_3_AND_4 = """
import fcntl, os, sys
first, second = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[1:3])
os.dup2(first, 3)
os.dup2(second, 4)
os.closerange(5, 256)
os.execvp(sys.argv[3], sys.argv[3:])
"""  # where the browser reads what it is told, and answers


class Chromium:
    """A headless browser: `open` a file, `run` a script in it, press keys, and see what the console said."""

    def __init__(self, program: str, profile: Path) -> None:
        self.said: list[str] = []  # messages of the console, errors, and what was asked of a network
        self._number = 0
        self._session: str | None = None
        self._left = b""
        mine_in, theirs_out = os.pipe()
        theirs_in, mine_out = os.pipe()
        words = [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"]
        words += ["--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}"]
        words += ["--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage", "about:blank"]
        start = [sys.executable, "-c", _AT_3_AND_4, str(theirs_in), str(theirs_out), *words]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(start, pass_fds=(theirs_in, theirs_out), **quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = mine_in, mine_out

    def begin(self) -> None:
        """Open a tab."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, page: Path, *, width: int, dark: bool, height: int = 900) -> None:
        """Show a file on a screen of this width, for a reader who likes it dark or light."""
        self.said.clear()
        phone = width < 600
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[theme])
        self._call("Page.navigate", url=page.absolute().as_uri())
        loaded = "document.readyState === 'complete' ? done() : addEventListener('load', done)"
        self.run(f"new Promise(done => {loaded})")

    def run(self, script: str) -> Any:
        """Return what a script comes to, once it has."""
        words = {"expression": script, "awaitPromise": True, "returnByValue": True}
        found = self._call("Runtime.evaluate", **words)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key."""
        words = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="rawKeyDown", **words)
        self._call("Input.dispatchKeyEvent", type="keyUp", **words)

    def picture(self, *, whole: bool = True) -> bytes:
        """Return the page as a PNG."""
        words = {"format": "png", "captureBeyondViewport": whole}
        return base64.b64decode(self._call("Page.captureScreenshot", **words)["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self._process.terminate()
        self._process.wait(_WAIT)
        os.close(self._in)
        os.close(self._out)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            ready, _, _ = select.select([self._in], [], [], _WAIT)
            read = os.read(self._in, 1 << 20) if ready else b""
            assert read, "the browser ended"
            self._left += read
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event.get("method", ""), event.get("params", {})
        if method in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}:
            self.said.append(json.dumps(params)[:500])
        url = params.get("request", {}).get("url", "")
        if method == "Network.requestWillBeSent" and not url.startswith(("data:", "file:")):
            self.said.append(url)


def _program() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A browser; the test is skipped where there is none, or where it does not start."""
    program = _program()
    if program is None:
        pytest.skip("no Chromium here; Debian: apt-get install chromium")
    browser = Chromium(program, tmp_path_factory.mktemp("chromium"))
    try:
        try:
            browser.begin()
        except (AssertionError, OSError) as error:  # what a container forbids is no fault of the page
            pytest.skip(f"{program} does not start here: {str(error)[:200]}")
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, kept outside the tree; the test is skipped where it cannot be had."""
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "prune-tests"
    kept = home / f"axe-{AXE}.js"
    if not kept.is_file():
        if shutil.which("npm") is None:
            pytest.skip("axe-core is not here, and no npm to get it with")
        home.mkdir(parents=True, exist_ok=True)
        words = ["npm", "pack", f"axe-core@{AXE}", "--silent", "--pack-destination", str(home)]
        words += ["--fetch-retries", "0", "--fetch-timeout", "20000"]
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=home)
        except subprocess.TimeoutExpired:
            pytest.skip("npm did not get axe-core within a minute")
        archive = home / f"axe-core-{AXE}.tgz"
        if done.returncode or not archive.is_file():
            pytest.skip(f"npm cannot get axe-core: {done.stderr.strip()[-200:]}")
        with tarfile.open(archive) as packed:
            script = packed.extractfile("package/axe.min.js")
            assert script is not None
            text = script.read()
        own = kept.with_suffix(f".{os.getpid()}")  # tests run side by side
        own.write_bytes(text)
        own.rename(kept)
    return kept.read_text(encoding="utf-8")


HOSTILE = 'a"onerror=alert(1)'  # of a class; in a key, what a file name may hold


def draw(number: int, size: int = 12) -> Image.Image:
    pixels = np.random.default_rng(number).integers(60, 256, (size, size, 3), dtype=np.uint8)
    pixels[:, : size // 2] //= 1 + number % 3
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images of three classes, names that are HTML, duplicates, and a store with everything."""
    folder = tmp_path_factory.mktemp("page")
    for number in range(72):
        label = ("left", "right", HOSTILE)[number % 3]
        name = f"<script>alert({number})<.png" if number % 9 == 0 else f"{number:03d}.png"
        path = folder / "data" / label / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(number % 68, 200 if number % 7 == 0 else 12).save(path)  # the last four are the first again
    store = prune.Store(folder / "store")
    training = {"epochs": 2, "size": 8, "proxy": "resnet8"}
    prune.score(store, str(folder / "data"), types=["el2n", "aum"], training=training)
    prune.select(store, method="top", score="el2n", fraction=0.5, drop_hardest=0.1, name="hard")
    prune.select(store, method="kcenter", fraction=0.3)
    return folder
