"""What a selection is to match, from files, from stores and from datasets."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from prune import pipeline
from prune.core.arrays import Array
from prune.core.errors import DataError, MissingColumnError, OptionError, RejectsError
from prune.core.progress import Advance
from prune.index.gradients import GradientSpace
from prune.index.space import EmbeddingSpace
from prune.proxy import TrainedProxy, Training, apply_proxy
from prune.proxy.inputs import Inputs
from prune.proxy.models import with_features
from prune.proxy.run import model_at
from prune.steps.select.by_class import SelectionTarget
from prune.steps.select.target import open_target
from prune.steps.settings import Settings
from prune.store import Store

QUICK = {"proxy": "mlp", "epochs": 2, "size": 8}
PIXELS, GRADIENTS = "embedding.pixels", "gradients"


class Told:
    """A reporter that remembers what was said, and how much work each stage announced."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.work: dict[str, int] = {}

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = "samples") -> Iterator[Advance]:
        self.work[what] = self.work.get(what, 0) + total
        yield lambda done: None  # noqa: ARG005

    def say(self, message: str) -> None:
        self.said.append(message)


def folder(root: Path, classes: dict[str, range], size: int = 12) -> Path:
    """Images named by their numbers: equal numbers are equal images, in whatever dataset."""
    for name, numbers in classes.items():
        (root / name).mkdir(parents=True)
        for number in numbers:
            pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:03d}.png")
    return root


def target(
    store: Store, source: object, column: str = PIXELS, *, settings: Settings | None = None, **more: Any
) -> SelectionTarget:
    return open_target(store, str(source), column, settings or Settings(), device="cpu", memory=2**28, **more)


def times(root: Path) -> dict[str, int]:
    """When each file was written, but for the lock and the scans that are kept as a shortcut."""
    found = [p for p in root.rglob("*") if p.is_file() and p.name != "lock" and "scans" not in p.parts]
    return {str(p): p.stat().st_mtime_ns for p in found}


def rows_of(space: Any) -> Array:
    assert isinstance(space, EmbeddingSpace)
    return space.take(np.arange(space.n))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of two classes, bird and cat, with pixels and a trained proxy."""
    root = tmp_path_factory.mktemp("pool")
    data = folder(root / "data", {"bird": range(10), "cat": range(10, 22)})
    pipeline.embed(root / "store", str(data), encoder="pixels")
    pipeline.score(root / "store", types=["el2n"], training=QUICK)
    return root


@pytest.fixture
def pool(kept: Path, tmp_path: Path) -> Store:
    shutil.copytree(kept, tmp_path / "pool")
    return Store(tmp_path / "pool" / "store")


@pytest.fixture
def permuted(tmp_path: Path) -> Path:
    """Classes whose ids differ from the pool's, an image of the pool, and a class that the pool lacks."""
    return folder(tmp_path / "other", {"ant": range(40, 42), "bird": range(3, 5), "cat": range(50, 53)})


def test_numbers_are_taken_as_they_are(pool: Store, tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(5, 192))
    np.save(tmp_path / "f.npy", features)
    np.save(tmp_path / "w.npy", np.array([0, 1, 2, 0, 4]))
    found = target(pool, tmp_path / "f.npy", weights=str(tmp_path / "w.npy"))
    assert np.array_equal(rows_of(found.samples), features.astype(np.float32))
    assert found.labels is None
    assert found.weights is not None
    assert found.weights.dtype == np.float64
    assert found.weights.tolist() == [0, 1, 2, 0, 4]
    assert found.samples.memory == 2**28


def test_factors_of_gradients_from_a_file(pool: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    e, h = rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=(4, 256)).astype(np.float16)
    np.savez(tmp_path / "g.npz", errors=e, features=h, labels=np.array(["cat", "ant", "bird", "cat"]))
    found = target(pool, tmp_path / "g.npz", GRADIENTS)
    wide = np.concatenate([h.astype(np.float64), np.ones((4, 1))], axis=1)
    gradients = (e[:, :, None] * wide[:, None, :]).reshape(4, -1)
    products = found.samples.products(np.arange(4), np.arange(4))
    np.testing.assert_allclose(products, gradients @ gradients.T, rtol=1e-4, atol=1e-3)
    assert found.labels is not None
    assert found.labels.tolist() == [1, -1, 0, 1]
    np.savez(tmp_path / "g.npz", errors=e, features=h, labels=np.array([0, 1, -1, 0]))
    assert target(pool, tmp_path / "g.npz", GRADIENTS).labels.tolist() == [0, 1, -1, 0]  # type: ignore[union-attr]


def numbers(n: int = 3, d: int = 192, **more: Array) -> dict[str, Array]:
    return {"features": np.ones((n, d), np.float32), **more}


@pytest.mark.parametrize(
    ("arrays", "column", "error", "words"),
    [
        (numbers(d=7), PIXELS, OptionError, r"rows of 7 numbers, embedding.pixels of 192"),
        (numbers(d=256), GRADIENTS, OptionError, "no array 'errors'"),
        (numbers(d=256, errors=np.ones((3, 5))), GRADIENTS, OptionError, "of 5 numbers, probs of 2"),
        (
            numbers(d=9, errors=np.ones((3, 2))),
            GRADIENTS,
            OptionError,
            "of 9 numbers, embedding.proxy of 256",
        ),
        (numbers(d=256, errors=np.ones((2, 2))), GRADIENTS, DataError, "2 errors, but 3 features"),
        (numbers(features=np.full((3, 192), np.nan)), PIXELS, DataError, "3 of 3 rows of the features"),
        (numbers(features=np.full((3, 192), 1e300)), PIXELS, DataError, "not finite"),
        (numbers(n=0), PIXELS, DataError, r"of shape \(0, 192\)"),
        (numbers(features=np.ones(192)), PIXELS, DataError, r"of shape \(192,\)"),
        (numbers(features=np.array([["a"]])), PIXELS, DataError, r"are <U1 of shape"),
        (numbers(features=np.array([[None]])), PIXELS, DataError, "cannot be read as .npz"),
        (numbers(labels=np.array([0, 1, 2])), PIXELS, DataError, r"span \[0, 2\], but there are 2 classes"),
        (numbers(labels=np.array([0, 1])), PIXELS, DataError, "but there are 3 samples"),
    ],
)
def test_numbers_that_do_not_fit(
    pool: Store, tmp_path: Path, arrays: dict[str, Array], column: str, error: type[Exception], words: str
) -> None:
    np.savez(tmp_path / "x.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(error, match=words):
        target(pool, tmp_path / "x.npz", column)


def test_files_that_are_no_numbers(pool: Store, tmp_path: Path) -> None:
    np.save(tmp_path / "line.npy", np.ones(192))
    with pytest.raises(DataError, match=r"features of .*line.npy are float64 of shape \(192,\)"):
        target(pool, tmp_path / "line.npy")
    for name in ("x.npy", "x.npz"):
        (tmp_path / name).write_bytes(b"neither this nor that")
        with pytest.raises(DataError, match=f"{name} cannot be read as"):
            target(pool, tmp_path / name)
    with pytest.raises(DataError, match="no data at"):
        target(pool, tmp_path / "missing.npy")
    np.save(tmp_path / "f.npy", np.ones((2, 192)))
    with pytest.raises(OptionError, match="--target-split val is for a dataset, not for the file"):
        target(pool, tmp_path / "f.npy", split="val")


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        ([1.0, 2.0], OptionError, r"has the shape \(2,\), but the target has 3 samples"),
        ([1.0, -2.0, 0.0], DataError, "1 of 3 weights in .* negative or not finite: row 1 is -2"),
        ([1.0, 0.0, np.nan], DataError, "row 2 is nan"),
        ([0.0, 0.0, 0.0], DataError, "no sample of the target has a weight over 0"),
        (["a", "b", "c"], DataError, "not numbers"),
    ],
)
def test_weights_that_make_no_sense(
    pool: Store, tmp_path: Path, weights: list[Any], error: type[Exception], words: str
) -> None:
    np.save(tmp_path / "f.npy", np.ones((3, 192)))
    np.save(tmp_path / "w.npy", weights)
    with pytest.raises(error, match=words):
        target(pool, tmp_path / "f.npy", weights=str(tmp_path / "w.npy"))
    with pytest.raises(OptionError, match="there is no file"):
        target(pool, tmp_path / "f.npy", weights=str(tmp_path / "none.npy"))


def test_a_dataset_is_encoded_as_the_pool_was(pool: Store, permuted: Path, tmp_path: Path) -> None:
    before = times(pool.path)
    found = target(pool, permuted)
    pipeline.embed(tmp_path / "own", str(permuted), encoder="pixels")
    assert np.array_equal(rows_of(found.samples), Store(tmp_path / "own").column(PIXELS).read())
    assert found.labels is not None
    assert found.labels.tolist() == [-1, -1, 0, 0, 1, 1, 1]  # its own ids are 0, 0, 1, 1, 2, 2, 2
    after = times(pool.path)
    new = {Path(p).relative_to(pool.path).parts[0] for p in after.keys() - before.keys()}
    assert new == {"targets"}
    assert {path: after[path] for path in before} == before
    told = Told()
    again = target(pool, permuted, settings=Settings(reporter=told))
    assert times(pool.path) == after
    assert "embed with pixels" not in told.work
    assert np.array_equal(rows_of(again.samples), rows_of(found.samples))
    assert pool.unfinished == []


def test_a_store_made_in_the_same_way(pool: Store, permuted: Path, tmp_path: Path) -> None:
    pipeline.embed(tmp_path / "own", str(permuted), encoder="pixels", dtype="float32")
    found = target(pool, tmp_path / "own")
    there = target(pool, permuted)
    np.testing.assert_allclose(rows_of(found.samples), rows_of(there.samples), atol=1e-3)
    assert np.array_equal(found.labels, there.labels)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="not for the store"):
        target(pool, tmp_path / "own", split="val")
    with pytest.raises(MissingColumnError, match=r"has no column 'embedding.proxy'") as error:
        target(pool, tmp_path / "own", "embedding.proxy")
    assert "name the dataset instead of its store" in error.value.hint
    pipeline.score(tmp_path / "own", types=["el2n"], training=QUICK)
    for column in ("embedding.proxy", GRADIENTS):
        with pytest.raises(OptionError, match="was made with another proxy than that of"):
            target(pool, tmp_path / "own", column)


def test_the_pool_itself_as_a_target(pool: Store) -> None:
    for source in (pool.path, pool.path.parent / "data"):
        found = target(pool, source, GRADIENTS)
        assert np.array_equal(found.labels, pool.dataset.labels)  # type: ignore[arg-type]
    assert not (pool.path / "targets").exists()


def test_the_proxy_of_the_pool_looks_at_the_target(pool: Store, permuted: Path) -> None:
    told = Told()
    found = target(pool, permuted, GRADIENTS, settings=Settings(reporter=told))
    assert any("2 of 7 target samples have no label that the pool knows" in line for line in told.said)
    assert not any(what.startswith("training") for what in told.work)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 1, 1, 1]
    space = found.samples
    assert isinstance(space, GradientSpace)
    errors, features = space.factors(np.arange(5))

    # images 3 and 4 are in the pool, where training ended with these
    h, p = (pool.column(name).read() for name in ("embedding.proxy", "probs"))
    np.testing.assert_allclose(features[:2], h[3:5], rtol=5e-3, atol=5e-3)
    np.testing.assert_allclose(errors[:2], p[3:5] - np.array([1, 0]), atol=2e-3)

    # all of them by hand: the network, the pool's mean and deviation, p − onehot(y)
    trained = TrainedProxy.of(pool)
    inputs = Inputs(trained.inputs, trained.dataset, torch.device("cpu"))
    model = model_at(trained.trace, inputs, trained.training, 2)
    inner = Store(next(path for path in (pool.path / "targets").iterdir()))
    images = torch.from_numpy(inner.column("images.8").read()[2:].copy())
    with torch.no_grad():
        logits, seen = with_features(model, inputs.normalise(images))
    probs = logits.softmax(1).numpy()
    np.testing.assert_allclose(features, seen.numpy(), rtol=5e-3, atol=5e-3)
    np.testing.assert_allclose(errors, probs - np.eye(2)[found.labels], atol=2e-3)

    after, told = times(pool.path), Told()
    target(pool, permuted, GRADIENTS, settings=Settings(reporter=told))
    target(pool, permuted, "embedding.proxy", settings=Settings(reporter=told))
    assert times(pool.path) == after
    assert told.work.get("taking features", 0) == told.work["caching images"] == 0


def test_a_retrained_proxy_looks_again(pool: Store, permuted: Path) -> None:
    first = rows_of(target(pool, permuted, "embedding.proxy").samples)
    pipeline.score(pool, types=["el2n"], training=QUICK | {"seed": 9})
    assert not np.array_equal(rows_of(target(pool, permuted, "embedding.proxy").samples), first)


def test_the_linear_proxy_looks_at_embeddings(pool: Store, permuted: Path) -> None:
    pipeline.score(pool, types=["el2n"], training={"proxy": "linear", "epochs": 2}, on="pixels")
    found = target(pool, permuted, GRADIENTS)
    pixels = rows_of(target(pool, permuted).samples)
    assert found.samples.n == 5
    _, features = found.samples.factors(np.arange(5))  # type: ignore[attr-defined]
    own = Inputs(pool.column(PIXELS), pool.dataset, torch.device("cpu"))
    np.testing.assert_allclose(features, own.normalise(torch.from_numpy(pixels[2:].copy())), atol=5e-3)


def test_without_a_class_of_the_pool_there_is_no_gradient(pool: Store, tmp_path: Path) -> None:
    strangers = folder(tmp_path / "strangers", {"ant": range(3), "bee": range(3, 6)})
    with pytest.raises(
        DataError, match=r"no sample of the target has a class of the pool.*ant, bee, not bird"
    ):
        target(pool, strangers, GRADIENTS)
    assert not (pool.path / "targets").exists()
    flat = Path(shutil.copytree(strangers / "ant", tmp_path / "flat"))
    with pytest.raises(DataError, match="no classes, not bird, cat"):
        target(pool, flat, GRADIENTS)
    assert target(pool, flat).labels.tolist() == [-1, -1, -1]  # type: ignore[union-attr]


@pytest.mark.parametrize("column", [PIXELS, GRADIENTS])
def test_unreadable_samples(pool: Store, permuted: Path, tmp_path: Path, column: str) -> None:
    (permuted / "cat" / "051.png").write_bytes(b"no image")
    with pytest.raises(RejectsError, match="1 of 7 target samples"):
        target(pool, permuted, column)
    np.save(tmp_path / "w.npy", np.arange(1.0, 8.0))
    settings = Settings(on_error="skip", max_bad=0.5)
    found = target(pool, permuted, column, settings=settings, weights=str(tmp_path / "w.npy"))
    assert found.weights is not None
    assert found.weights.tolist() == ([1, 2, 3, 4, 5, 7] if column == PIXELS else [3, 4, 5, 7])
    with pytest.raises(RejectsError, match="1 of 7 target samples"):
        target(pool, permuted, column)


def test_a_split_of_a_dataset(pool: Store, tmp_path: Path) -> None:
    folder(tmp_path / "splits" / "train", {"bird": range(2), "cat": range(2, 4)})
    folder(tmp_path / "splits" / "val", {"bird": range(60, 61), "cat": range(61, 63)})
    found = target(pool, tmp_path / "splits", split="val")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1, 1]
    with pytest.raises(OptionError, match="has no split 'test'"):
        target(pool, tmp_path / "splits", split="test")


def test_images_in_an_array(pool: Store, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "x_labels.npy", np.array(["cat", "ant", "bird", "cat"]))
    found = target(pool, tmp_path / "x.npy")
    assert found.labels is not None
    assert found.labels.tolist() == [1, -1, 0, 1]


def test_what_the_pools_reader_was_told_holds_for_the_target(tmp_path: Path) -> None:
    for name, kinds in (("pool", "ab"), ("target", "cba")):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as tar:
            for number, kind in enumerate(kinds):
                image = io.BytesIO()
                Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(image, "PNG")
                described = json.dumps({"label": "no", "kind": kind}).encode()
                for suffix, data in (("png", image.getvalue()), ("json", described)):
                    member = tarfile.TarInfo(f"{number}.{suffix}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    pool, told = Store(tmp_path / "store"), Settings(reading={"label_field": "kind"})
    pipeline.embed(pool, str(tmp_path / "pool.tar"), encoder="pixels", settings=told)
    found = target(pool, tmp_path / "target.tar")
    assert found.labels is not None
    assert found.labels.tolist() == [-1, 1, 0]
    folders = folder(tmp_path / "folders", {"b": range(2)})  # another format has no such field
    assert target(pool, folders).labels.tolist() == [1, 1]  # type: ignore[union-attr]


def test_an_encoder_whose_weights_are_gone(tmp_path: Path, permuted: Path) -> None:
    data = folder(tmp_path / "data", {"bird": range(3), "cat": range(3, 6)})
    name, column = "shufflenet_v2_x0_5", "embedding.shufflenet_v2_x0_5"
    pool = Store(tmp_path / "store")
    pipeline.embed(pool, str(data), encoder=name, weights="random")
    assert target(pool, permuted, column).samples.width == 1024  # the same random weights, made again
    other = folder(tmp_path / "more", {"bird": range(70, 72)})
    with pytest.raises(OptionError, match="made with weights that are not at hand") as error:
        target(pool, other, column, settings=Settings(seed=1))
    assert "--weights FILE" in error.value.hint
    pipeline.embed(tmp_path / "own", str(other), encoder=name, weights="random", settings=Settings(seed=1))
    with pytest.raises(OptionError, match="was made with another weights than"):
        target(pool, tmp_path / "own", column)


def test_features_from_elsewhere(pool: Store, permuted: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    np.save(tmp_path / "p.npy", rng.normal(size=(22, 6)))
    np.save(tmp_path / "t.npy", rng.normal(size=(7, 6)))
    np.save(tmp_path / "wide.npy", rng.normal(size=(7, 8)))
    pipeline.embed(pool, features=str(tmp_path / "p.npy"))
    with pytest.raises(OptionError, match="was computed elsewhere"):
        target(pool, permuted, "embedding.precomputed")
    assert target(pool, tmp_path / "t.npy", "embedding.precomputed").samples.n == 7
    pipeline.embed(tmp_path / "own", str(permuted), features=str(tmp_path / "t.npy"))
    assert target(pool, tmp_path / "own", "embedding.precomputed").samples.width == 6
    pipeline.embed(tmp_path / "own", features=str(tmp_path / "wide.npy"))
    with pytest.raises(OptionError, match="has rows of 8 numbers, that of .* of 6"):
        target(pool, tmp_path / "own", "embedding.precomputed")


@pytest.mark.gpu
def test_a_gpu_sees_the_same(pool: Store, permuted: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    one = target(pool, permuted, "embedding.proxy").samples
    two = open_target(pool, str(permuted), "embedding.proxy", Settings(), device="cuda", memory=2**28).samples
    np.testing.assert_allclose(rows_of(one), rows_of(two), rtol=1e-2, atol=1e-2)


def test_the_proxy_needs_inputs_of_the_target(pool: Store) -> None:
    trained = TrainedProxy.of(pool)
    assert trained.training == Training.of(**QUICK, seed=0)  # type: ignore[arg-type]
    short = Store(pool.path.parent / "empty")
    with pytest.raises(ValueError, match="rows, but the dataset has"):
        apply_proxy(trained, short, pool.dataset, pool.column("trace.0"))
