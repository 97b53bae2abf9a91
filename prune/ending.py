"""SIGINT and SIGTERM end the program at once, whatever it is doing: what is on disk outlasts that.

Nothing is raised and nothing is tidied up. An exception out of nowhere can be swallowed by a library, or show
up as a traceback while modules load; and while compiled code runs there is no place to raise one. So a thread
waits for the signal and ends the process, as the loss of power would. Whatever that leaves behind, the next
command removes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WORDS = b"prune: stopped; run the same command again to go on\n"
_SHOW_CURSOR = b"\r\x1b[?25h"  # a progress bar has hidden it


@functools.cache
def end_on_signals() -> None:
    """From now on, end this process with 130 at SIGINT and 143 at SIGTERM. For the command line only."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_end, args=(reader,), name="signals", daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)  # with a handler of Python's, the pipe gets its number


def _end(reader: int) -> None:
    number = 0
    while number not in _SIGNALS:  # others may have handlers too
        number = os.read(reader, 1)[0]
    with contextlib.suppress(OSError):  # nobody may be listening
        os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + _WORDS)
    os._exit(128 + number)
