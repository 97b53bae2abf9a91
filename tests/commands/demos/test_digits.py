"""The digits are written whole or not at all, and only once."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from prune.commands.demos import digits
from prune.core.errors import OutputError


def test_the_digits_are_written_with_few_waits_for_the_device_and_only_once(tmp_path, faulty):
    disk = faulty()
    digits.write_digits(tmp_path / "digits")
    written = sorted((tmp_path / "digits").rglob("*"))
    assert len([path for path in written if path.suffix == ".png"]) == 1797
    folders = disk.calls.count("make_folder")  # each is flushed into the one above
    assert folders == 11
    assert sum(call.startswith("sync") for call in disk.calls) == 2 + folders
    count = len(disk.calls)
    digits.write_digits(tmp_path / "digits")
    assert len(disk.calls) == count


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


def test_the_digits_are_those_of_scikit_learn(tmp_path):
    from sklearn.datasets import load_digits  # a second

    digits.write_digits(tmp_path / "digits")
    theirs = load_digits()
    for row, (pixels, label) in enumerate(zip(theirs.images, theirs.target, strict=True)):
        with Image.open(tmp_path / "digits" / str(label) / f"{row:04d}.png") as image:
            assert np.array_equal(np.asarray(image), np.round(pixels * (255 / 16)).astype(np.uint8))
