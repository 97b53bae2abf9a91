"""Run the commands of README.md and paste their real output into it: `make readme`."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield (command, output as it stands there) of every console block, in order."""
    for block in _BLOCK.findall(text):
        for piece in block.split("$ ")[1:]:
            command, _, output = piece.partition("\n")
            yield command, output.rstrip("\n")


def run(command: str, folder: Path) -> str:
    """Run one command in a folder; return what it prints on standard output."""
    words = shlex.split(command, comments=True)
    assert words[0] == "prune", command
    words[:1] = [sys.executable, "-m", "prune"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout.rstrip("\n")


def main() -> None:
    """Rewrite the README."""
    text = README.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for command, old in list(commands(text)):
            new = run(command, Path(folder))
            before, after = (f"$ {command}\n" + (f"{out}\n" if out else "") for out in (old, new))
            text = text.replace(before, after, 1)
    README.write_text(text)


if __name__ == "__main__":
    main()
