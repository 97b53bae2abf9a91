"""The digits are written whole or not at all, and only once."""

from __future__ import annotations

import numpy as np
from PIL import Image

from prune.commands.demos import digits


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


def test_the_digits_are_those_of_scikit_learn(tmp_path):
    from sklearn.datasets import load_digits  # a second

    digits.write_digits(tmp_path / "digits")
    theirs = load_digits()
    for row, (pixels, label) in enumerate(zip(theirs.images, theirs.target, strict=True)):
        with Image.open(tmp_path / "digits" / str(label) / f"{row:04d}.png") as image:
            assert np.array_equal(np.asarray(image), np.round(pixels * (255 / 16)).astype(np.uint8))
