"""The libraries behind addresses: one a scheme, loaded when an address of it is named."""

from __future__ import annotations

import os
from typing import Any

from prune.core.errors import OptionError

_EXTRAS = {"s3": "s3", "gs": "gcs", "hf": "hub", "https": "https", "http": "https"}
_CONNECT, _READ = 20.0, 60.0  # seconds until a server that says nothing is asked again


def file_system(scheme: str) -> Any:
    """Return the file system of fsspec for a scheme; of one process, the same each time.

    Raises
    ------
    OptionError
        The library for it is not installed.
    """
    try:
        found = _OPENED[scheme]()
    except ImportError as error:
        what = f"{scheme}:// needs a library that is not installed ({error.name})"
        raise OptionError(what, f"pip install 'dataset-prune[{_EXTRAS[scheme]}]'") from error
    _held[os.getpid(), scheme] = found
    return found


def _s3() -> Any:
    import s3fs

    timeouts = {"connect_timeout": _CONNECT, "read_timeout": _READ, "retries": {"total_max_attempts": 1}}
    found = s3fs.S3FileSystem(config_kwargs=timeouts, use_listings_cache=False)
    found.retries = 1  # `Retries` is the only one that tries again
    return found


def _gs() -> Any:
    import gcsfs

    return gcsfs.GCSFileSystem(use_listings_cache=False)


def _hf() -> Any:
    from huggingface_hub import HfFileSystem

    return HfFileSystem(use_listings_cache=False)


def _http() -> Any:
    import aiohttp
    from fsspec.implementations.http import HTTPFileSystem

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_READ)
    return HTTPFileSystem(client_kwargs={"timeout": timeout, "trust_env": True}, use_listings_cache=False)


# A forked process makes file systems of its own, and fsspec then lets go of those that it took over. Nothing
# may close them there: their connections would be taken off the list of events that the first process waits
# for, which hears no answer of them any more.
_held = dict[tuple[int, str], Any]()
_OPENED = {"s3": _s3, "gs": _gs, "hf": _hf, "https": _http, "http": _http}
