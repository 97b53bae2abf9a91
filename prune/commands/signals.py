"""SIGINT and SIGTERM end the program at once, whatever it is doing: what is on disk outlasts that.

Nothing is raised and nothing is tidied up. An exception out of nowhere can be swallowed by a library, or show
up as a traceback while modules load; and while compiled code runs there is no place to raise one. So a thread
waits for the signal and ends the process, as the loss of power would. Whatever that leaves behind, the next
command removes. SIGBUS, which comes of reading a mapped file that somebody cuts short meanwhile, ends the
program likewise, with the words for that.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import threading

from prune.core.errors import DataError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WORDS = b"prune: stopped; run the same command again to go on\n"
_CUT = (
    b"error: a file was cut short while it was read, or shared memory is full\n"
    b"try:   the same command again, when the data is as it was: what was finished is kept\n"
)
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
    if hasattr(signal, "SIGBUS"):  # Python's own handlers run too late: the read is tried again before
        ctypes.CDLL(None).signal(signal.SIGBUS, _ON_SIGBUS)


def _end(reader: int) -> None:
    number = 0
    while number not in _SIGNALS:  # others may have handlers too
        number = os.read(reader, 1)[0]
    with contextlib.suppress(OSError):  # nobody may be listening
        os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + _WORDS)
    os._exit(128 + number)


def _cut_short(_: int) -> None:
    with contextlib.suppress(OSError):
        os.write(2, _CUT)
    os._exit(DataError.exit_code)


_ON_SIGBUS = ctypes.CFUNCTYPE(None, ctypes.c_int)(_cut_short)  # has to live as long as the process
