"""What docs/loaders.md shows is what runs: every block of it, on shards and on a saved dataset."""

from __future__ import annotations

import importlib.util
import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import prune
from prune import loaders

PAGE = (Path(__file__).parent.parent.parent / "docs" / "loaders.md").read_text()
BLOCKS = {
    title: re.search(r"```python\n(.*?)```", section, re.DOTALL)
    for title, section in re.findall(r"(?m)^##? (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL)
}
EPOCHS = 3  # of the ten that the page shows
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:.*multi-threaded")


def jpeg(number: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(sink, "jpeg")
    return sink.getvalue()


@pytest.fixture
def shards(elsewhere: Path, chosen: Callable[..., prune.Store]) -> prune.Store:
    """A store at `.prune` of shards, with a selection that is called `kcenter`."""
    (elsewhere / "data").mkdir()
    with tarfile.open(elsewhere / "data" / "0.tar", "w") as tar:
        for row in range(12):
            for name, data in ((f"{row:02d}.jpg", jpeg(row)), (f"{row:02d}.cls", b"%d" % (row % 2))):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return _named(chosen(str(elsewhere / "data"), count=7, name="kcenter"), elsewhere)


def _named(store: prune.Store, folder: Path) -> prune.Store:
    store.path.rename(folder / ".prune")
    return prune.Store(folder / ".prune")


def to_tensor(picture: Image.Image) -> torch.Tensor:
    return torch.tensor(np.asarray(picture))


def ran(title: str, **known: Any) -> dict[str, Any]:
    """Run the block of a section; return the names that it made."""
    block = BLOCKS[title]
    assert block is not None
    code = re.sub(r"\b10\)", f"{EPOCHS})", block[1]).replace("num_workers=4", "num_workers=1")
    names: dict[str, Any] = {"prune": prune, "DataLoader": DataLoader, "to_tensor": to_tensor, **known}
    exec(code, names)
    return names


def test_the_loop_over_a_selection(shards: prune.Store) -> None:
    made = ran("Training on a selection without an export")
    assert len(made["kept"]) == 7
    assert made["x"].shape == (7, 8, 8, 3)


def test_the_loop_that_goes_on(shards: prune.Store) -> None:
    made = ran("torch", resumed=False)
    assert made["checkpoint"]["data"]["epoch"] == EPOCHS  # the last epoch is over
    state = {**made["checkpoint"]["data"], "epoch": 1}
    again = ran("torch", resumed=True, checkpoint={"data": state})
    assert again["epoch"] == EPOCHS - 1
    assert again["checkpoint"] == made["checkpoint"]


def test_the_pipeline_of_webdataset(shards: prune.Store) -> None:
    ((x, y),) = ran("webdataset")["loader"]
    assert x.shape == (7, 8, 8, 3)
    assert sorted(y.tolist()) == sorted(prune.loaders.dataset(shards).labels.tolist())


def test_rows_of_hugging_face(elsewhere: Path, chosen: Callable[..., prune.Store]) -> None:
    rows = {"image": [{"bytes": jpeg(row), "path": None} for row in range(9)], "label": [0, 1, 2] * 3}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(elsewhere / "data")
    _named(chosen(str(elsewhere / "data"), count=4), elsewhere)

    class Trainer:
        def __init__(self, *asked: Any, train_dataset: Any) -> None:
            self.rows = train_dataset

        def train(self) -> None:
            assert [row["label"] for row in self.rows] == prune.loaders.dataset(".prune").labels.tolist()

    block = BLOCKS["Hugging Face"]
    assert block is not None
    exec(block[1].replace(", ...", ""), {"prune": prune, "Trainer": Trainer, "model": None, "args": None})


def test_every_loader_has_a_row() -> None:
    table = re.findall(r"(?m)^\| .*? \| `(\w+)\(", PAGE)
    assert set(table) <= set(loaders.__all__)
    assert {"dataset", "stream", "webdataset", "huggingface", "imagefolder"} <= set(table)


@pytest.mark.skipif(importlib.util.find_spec("lightning") is None, reason="Lightning is not installed")
@pytest.mark.filterwarnings("ignore")
def test_the_module_of_lightning(shards: prune.Store) -> None:
    import importlib

    lightning = importlib.import_module("lightning")
    seen: list[int] = []

    class Net(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(192, 2)

        def training_step(self, batch: Any, number: int) -> Any:
            seen.extend(batch[1].tolist())
            return torch.nn.functional.cross_entropy(self.layer(batch[0].flatten(1).float()), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 1e-3)

    quiet = {
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
    }
    whole = lightning.Trainer

    def trainer(**asked: Any) -> Any:
        return whole(**asked, **quiet)

    fake = type("Lightning", (), {"Trainer": staticmethod(trainer)})
    fake.LightningDataModule = lightning.LightningDataModule
    ran("Lightning", lightning=fake, model=Net())
    assert sorted(seen) == sorted(prune.loaders.dataset(shards).labels.tolist() * EPOCHS)
