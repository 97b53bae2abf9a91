"""mypy sees every option of every verb: the script of a user passes, and each of its mistakes is told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tests" / "typing" / "user.py"
MISTAKE = re.compile(r"(?P<code>.*)  # type: ignore\[(?P<kind>[a-z-]+)\]$")


def test_the_script_of_a_user_passes_and_every_mistake_in_it_is_told(tmp_path: Path) -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    mistakes = {at: found for at, line in enumerate(lines, 1) if (found := MISTAKE.fullmatch(line))}
    bare = tmp_path / "user.py"
    bare.write_text("\n".join(m["code"] if (m := mistakes.get(i)) else x for i, x in enumerate(lines, 1)))
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(bare)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    told = {(int(at), kind) for at, kind in re.findall(r"user\.py:(\d+): error: .*\[([a-z-]+)\]", said)}
    assert told == {(at, found["kind"]) for at, found in mistakes.items()}, said
    assert len(mistakes) >= 6
