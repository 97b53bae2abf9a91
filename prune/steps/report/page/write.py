"""Report: one page about a selection, written in one rename, equal where nothing changed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from prune.core.errors import OptionError, OutputError
from prune.core.progress import Clock
from prune.core.store_option import in_store
from prune.steps.export_selection import require_apart
from prune.steps.keywords import named
from prune.steps.recovery import advised
from prune.steps.report.page.content import Content, gather, variables
from prune.steps.report.page.render import GENERATOR, rendered
from prune.steps.report.page.subject import subject
from prune.steps.settings import DEFAULTS, Settings
from prune.store import Store, read_selection
from prune.system import files
from prune.system.os_errors import writing

PAGE = "prune-report.html"
_HTML = (".html", ".htm")
_HEAD = 2000  # bytes in which a page says whose it is


@named
@advised
def report(
    store: Store | str | Path = ".prune",
    *,
    selection: str | None = None,
    out: str | Path | None = None,
    settings: Settings = DEFAULTS,
) -> dict[str, Any]:
    """Write one self-contained HTML page about a selection; nothing in the store changes.

    Of what has many samples, some are drawn by the seed: the same store and seed give the same bytes.

    Parameters
    ----------
    store, selection
        Where the selection is, and its name; default: the latest.
    out
        The file; default `prune-report.html`. An earlier page is replaced, any other file is not.

    Returns
    -------
    dict
        out, bytes, unchanged, selection, n, k, evaluations (how many), charts (titles by name), seconds, and
        samples: of each grid how many are shown, and how many of them cannot be seen as they are.

    Raises
    ------
    StoreError
        There is no such selection, or what the page needs of it is damaged.
    OptionError
        The name of the file is no page's.
    OutputError
        The file is not one of ours, or cannot be written.
    """
    held = store if isinstance(store, Store) else Store(store)
    clock, path = Clock(settings.reporter), Path(PAGE if out is None else out)
    chosen = read_selection(held, selection)
    require_apart(held, path)
    _require_ours(path, held)
    with clock.stage("looking at samples", 0, "samples"):
        content = gather(subject(held, chosen, settings), path.parent)
        data = rendered(variables(content))
    with writing(path.parent):
        unchanged = path.is_file() and path.read_bytes() == data
    if not unchanged:
        files.write(path, data)
    return {
        **_told(content),
        "out": str(path),
        "bytes": len(data),
        "unchanged": unchanged,
        "seconds": clock.stop(),
    }


def _require_ours(path: Path, store: Store) -> None:
    """Raise `OutputError` where something else than a page of ours would be replaced."""
    again = f"{in_store('prune report', str(store.path))} --out"
    another = f"{again} another.html"
    if path.is_dir():
        raise OutputError(f"{path} is a folder", another)
    if path.suffix.lower() not in _HTML:
        page = shlex.quote(str(path.with_name(path.name + _HTML[0])))
        raise OptionError(
            f"--out {path} is no name of a page: it ends in neither {' nor '.join(_HTML)}", f"{again} {page}"
        )
    if not path.exists():
        return
    with writing(path.parent), path.open("rb") as file:
        if f'content="{GENERATOR}'.encode() not in file.read(_HEAD):
            raise OutputError(f"{path} is there already, and is no page of prune's", another)


def _told(content: Content) -> dict[str, Any]:
    subject = content.subject
    return {
        "selection": subject.chosen.name,
        "n": len(subject.dataset),
        "k": int(subject.about["k"]),
        "samples": {
            panel.grid.name: {"shown": len(panel.cards), "unseen": panel.missing} for panel in content.panels
        },
        "evaluations": sum(len(group.trials) for group in content.trials),
        "charts": {chart.name: chart.title for chart in content.charts},
    }
