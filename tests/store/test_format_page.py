"""FORMAT.md says what everything is that lies beside the parts of a column."""

from __future__ import annotations

from pathlib import Path

import prune.store
from prune.store.layout import ATTACHED

PAGE = (Path(prune.store.__file__).parent / "FORMAT.md").read_text()


def test_the_table_has_every_kind_of_attachment_and_no_other() -> None:
    table = PAGE.partition("| kind | of | what it holds |\n")[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines()[1:]]
    assert {kind.strip(" `") for cell in first for kind in cell.split(",")} == ATTACHED
