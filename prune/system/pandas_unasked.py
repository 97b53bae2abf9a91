"""Keep pyarrow from loading pandas, which it looks for whenever it makes an array: a third of a second.

Only the command line does this, whose process is its own. Whoever asks for pandas by name gets it: another
library, the module of a user's network, and pyarrow itself on their behalf.
"""

from __future__ import annotations

import sys


class PandasUnasked:
    """A finder that says there is no pandas, to this package, which has no use for it."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Let the others look, or end the search."""
        if name == "pandas" and _asking() == "prune":
            raise ModuleNotFoundError("prune has no use for pandas", name=name)


def spare_pandas() -> None:
    """Hide pandas from this package from now on."""
    sys.meta_path.insert(0, PandasUnasked())


def _asking() -> str:
    """Return the package whose code asked, through pyarrow or by itself."""
    frame = sys._getframe(2)
    while frame.f_back is not None and _package(frame.f_globals) in {"importlib", "pyarrow"}:
        frame = frame.f_back
    return _package(frame.f_globals)


def _package(scope: dict[str, object]) -> str:
    return str(scope.get("__name__", "")).partition(".")[0]
