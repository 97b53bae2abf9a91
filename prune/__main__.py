"""The command `prune`, and `python -m prune`: signals first, since loading the commands takes a while."""

import os
import sys

from prune.commands.signals import end_on_signals
from prune.system.pandas_unasked import spare_pandas
from prune.system.spinning import bound_spinning


def main() -> None:
    """Run the command line; never returns."""
    _open_streams()
    end_on_signals()
    bound_spinning()
    spare_pandas()
    from prune import cli
    from prune.commands.stdio import hold_streams

    hold_streams()
    cli.main()


def _open_streams() -> None:
    """Let nothing stand where a standard stream is closed: else a file of the store gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            fd = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(fd, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
