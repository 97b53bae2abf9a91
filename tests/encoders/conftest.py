"""Small datasets on disk, and columns to write them into."""

import json

import numpy as np
import pytest
from PIL import Image

from prune.core.progress import SILENT
from prune.readers import open_reader
from prune.readers.scan import scan
from prune.store import ColumnWriter
from prune.store.layout import identity


@pytest.fixture
def folder(tmp_path):
    """Make an image folder: `folder(n)` gives (reader, dataset) of n noisy images in two classes."""

    def make(n, size=12, broken=()):
        rng = np.random.default_rng(0)
        for i in range(n):
            path = tmp_path / "data" / "ab"[i % 2] / f"{i:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8)).save(path)
            if i in broken:
                path.write_bytes(path.read_bytes()[:60])
        reader = open_reader(str(tmp_path / "data"))
        return reader, scan(reader, tmp_path / "scans", SILENT)

    return make


@pytest.fixture
def column(tmp_path):
    """Begin a column, or go on with it: `column(rows, part_rows, name)`."""

    def begin(rows, part_rows=64, name="one"):
        recipe = {"name": name}
        return ColumnWriter(name, tmp_path / "columns" / name / identity(recipe), recipe, rows, part_rows)

    return begin


class Listener:
    """A reporter that remembers what it was told."""

    def __init__(self):
        self.said = []

    stage = SILENT.stage

    def say(self, message):
        self.said.append(message)


@pytest.fixture
def listener():
    return Listener()


_TINY_CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory):
    """The name of an encoder whose model open_clip did not know: both towers of one layer, 16 dimensions."""
    try:
        import open_clip
    except ImportError:
        pytest.skip("the extra clip is not installed")
    config = tmp_path_factory.mktemp("clip") / "tiny-for-tests.json"
    config.write_text(json.dumps(_TINY_CLIP))
    open_clip.add_model_config(config)
    return "clip:tiny-for-tests"
