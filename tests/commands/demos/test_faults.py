"""The digits are written whole or not at all."""

from __future__ import annotations

import pytest

from prune.commands.demos import digits
from prune.core.errors import OutputError


def test_digits_that_were_cut_off_are_written_again(tmp_path, faulty, killed):
    whole = tmp_path / "whole"
    digits.write_digits(whole)
    faulty("torn", 1000)
    with pytest.raises(killed):
        digits.write_digits(tmp_path / "digits")
    assert not (tmp_path / "digits").exists()
    faulty()
    digits.write_digits(tmp_path / "digits")
    assert not (tmp_path / ".digits.partial").exists()
    for path in whole.rglob("*.png"):
        assert (tmp_path / "digits" / path.relative_to(whole)).read_bytes() == path.read_bytes()


def test_a_full_disk_is_one_sentence(tmp_path, faulty):
    faulty("full", 50)
    with pytest.raises(OutputError, match="no space left"):
        digits.write_digits(tmp_path / "digits")
