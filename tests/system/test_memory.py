from __future__ import annotations

import pytest

from prune.core.errors import OptionError
from prune.system.memory import default_memory, parse_memory


@pytest.mark.parametrize(
    ("text", "size"),
    [("4G", 4 * 2**30), ("512m", 2**29), ("1.5GiB", 3 * 2**29), ("100000000", 10**8), (" 2 gb ", 2**31)],
)
def test_sizes_are_read_in_powers_of_1024(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    ("text", "message"),
    [("much", "--max-memory much is not a size"), ("63M", "less than 64M"), ("-4G", "is not a size")],
)
def test_what_is_no_size_is_refused(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_memory(text)


def test_the_default_is_some_of_the_memory_there_is() -> None:
    assert 2**26 <= default_memory() < 2**45
