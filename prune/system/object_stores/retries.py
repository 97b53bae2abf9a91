"""Requests tried again: what passes by itself, with pauses that double, up to a bound, and are drawn."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from prune.core.errors import DataError
from prune.core.safe_text import one_line

Answer = TypeVar("Answer")


class CutShortError(OSError):
    """Fewer bytes came than were asked for."""


class ChangedObjectError(OSError):
    """The object is another one than that which was listed."""


class RefusedError(DataError):
    """Who asks may not see the object, or is not told whether there is one."""


@dataclass
class Retries:
    """How often, and after how long: before try i + 1 a drawn part of `first · 2^i`, at most `most`."""

    tries: int = 8
    first: float = 0.25  # seconds
    most: float = 20.0  # seconds
    sleep: Callable[[float], None] = time.sleep
    draw: random.Random = field(default_factory=random.Random)  # so that many workers do not come at once

    def pause(self, failed: int) -> float:
        """Return how long to wait after so many failures: at least half of the bound, so that it grows."""
        bound = min(self.most, self.first * 2 ** (failed - 1))
        return bound * (1 + self.draw.random()) / 2

    def run(self, request: Callable[[], Answer], what: str) -> Answer:
        """Return the answer of a request, tried again while what is wrong may pass.

        Raises
        ------
        DataError
            It may not be done, or was wrong as often as it may be.
        FileNotFoundError, ChangedObjectError
            There is no such object, or another one.
        """
        for failed in range(1, self.tries + 1):
            try:
                return request()
            except (FileNotFoundError, ChangedObjectError):
                raise
            except failures() as error:
                if not passes(error):
                    raise _refused(what, error) from error
                if failed == self.tries:
                    raise _given_up(what, error, failed) from error
                self.sleep(self.pause(failed))
        raise AssertionError(self.tries)


POLICY = Retries()


def failures() -> tuple[type[BaseException], ...]:
    """Return what a request may raise, of the libraries that are loaded."""
    named = [(module, name) for module, names in _ERRORS.items() for name in names if module in sys.modules]
    return (OSError, asyncio.TimeoutError, *(getattr(sys.modules[module], name) for module, name in named))


_ERRORS = {
    "aiohttp": ("ClientError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "httpx": ("HTTPError",),
    "httpx2": ("HTTPError",),  # of the hub's library, since its version 2
    "requests": ("RequestException",),
    "gcsfs.retry": ("HttpError",),
}


def passes(error: BaseException) -> bool:
    """Whether what is wrong may pass by itself: a busy server, a lost connection, an answer cut short."""
    if isinstance(error, PermissionError | FileNotFoundError | ChangedObjectError):
        return False
    status = status_of(error)
    if status is not None:
        return status >= 500 or status in {408, 425, 429}
    if _of_missing_credentials(error):
        return False
    if isinstance(error, ConnectionError | TimeoutError | asyncio.TimeoutError | CutShortError):
        return True
    return not isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _LIBRARIES


_LIBRARIES = {"aiohttp", "botocore", "requests"}  # whose errors of a connection are errors of the system, too


def status_of(error: BaseException | None) -> int | None:
    """Return the status of an answer, as the libraries have it, also of the error below."""
    while error is not None:
        response = getattr(error, "response", None)
        found = getattr(error, "status", None) or getattr(error, "code", None)
        if isinstance(response, dict):
            found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        elif response is not None and found is None:
            found = getattr(response, "status_code", None)
        if isinstance(found, int):
            return found
        translated = type(error).__module__ == "builtins"  # what is below others is how a parser put it
        error = error.__cause__ if translated else None
    return None


def _of_missing_credentials(error: BaseException) -> bool:
    return "Credential" in type(error).__name__


def _said(error: BaseException) -> str:
    return one_line(error)


def _refused(what: str, error: BaseException) -> DataError:
    if _of_missing_credentials(error) or isinstance(error, PermissionError) or status_of(error) in {401, 403}:
        hint = (
            "give credentials as its own tools take them: AWS_PROFILE, AWS_ACCESS_KEY_ID, "
            "GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN; of a public bucket, FSSPEC_S3_ANON=true"
        )
        return RefusedError(f"{what} may not be read: {_said(error)}", hint)
    return DataError(f"{what} cannot be read: {_said(error)}", "look whether the address is right")


def _given_up(what: str, error: BaseException, tries: int) -> DataError:
    said = f"{what} cannot be read: {_said(error)}, {tries} times"
    return DataError(said, "run the same command again: what was done before is kept")
