"""Samples chosen anew by the live model: what is chosen, when, at what cost, and after a stop."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import prune
from prune.core.errors import DataError, OptionError
from prune.loaders import AdaptiveSampler, weighted
from prune.trace import numbered

N, K, EPOCHS = 60, 12, 6
QUIET = pytest.mark.filterwarnings("ignore")  # what these libraries warn of is not ours


class Blobs(Dataset[Any]):
    """Three classes around three points, class by class, as folders lie."""

    def __init__(self) -> None:
        self.labels = torch.arange(N) // 20
        source = np.random.default_rng(0)
        self.inputs = torch.tensor(source.normal(size=(N, 4)) + 2 * self.labels[:, None].numpy()).float()

    def __len__(self) -> int:
        return N

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.inputs[row], self.labels[row]


DATA = Blobs()


class Net(nn.Module):
    """A small network that counts how many samples it has looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU()), nn.Linear(5, 3)
        self.looked = 0

    def forward(self, x: Tensor) -> Tensor:
        self.looked += 0 if self.training else len(x)
        return self.head(self.body(x))


def net() -> Net:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net()


def sampler(model: nn.Module | None, **options: Any) -> AdaptiveSampler:
    given = {"fraction": K / N, "epochs": EPOCHS, "every": 2} | options
    return AdaptiveSampler(model, given.pop("source", DATA), **given)


def train(model: nn.Module, chosen: AdaptiveSampler, stop: int | None = None) -> list[Any]:
    """Train to the end, or until so many batches; return what it was trained on."""
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    seen = []
    loader = DataLoader(weighted(numbered(DATA)), batch_size=4, sampler=chosen)
    for epoch in range(chosen.epoch, EPOCHS):
        chosen.set_epoch(epoch)
        for x, y, rows, weights in loader:
            model.train()
            losses = nn.functional.cross_entropy(model(x), y, reduction="none")
            optimiser.zero_grad()
            (losses * weights).mean().backward()
            optimiser.step()
            seen.append((epoch, rows.tolist(), weights.tolist(), losses.tolist()))
            if len(seen) == stop:
                return seen
    return seen


def gradients(model: nn.Module) -> tuple[Any, Any]:
    """Errors and features by plain arithmetic."""
    model.eval()
    with torch.no_grad():
        features = model.body(DATA.inputs)  # type: ignore[operator,union-attr]
        errors = model.head(features).softmax(1) - nn.functional.one_hot(DATA.labels, 3)  # type: ignore[operator]
    model.train()
    return errors.numpy(), features.numpy()


@pytest.mark.filterwarnings("ignore:glister lowers the loss of a validation set")
@pytest.mark.parametrize("method", ["gradmatch", "glister", "craig"])
def test_it_chooses_what_the_selector_chooses_on_the_same_gradients(method: Any) -> None:
    model = net()
    train(model, sampler(None, method="random", source=None, rows=N), stop=9)
    errors, features = gradients(model)
    chosen = sampler(model, method=method)
    chosen.set_epoch(2)
    rows, weights = chosen.rows_of(2)
    assert model.training
    seed = chosen.history[-1]["seed"]
    published = {"step": "sum", "epsilon": 0.01, "quota": "proportional", "target": (errors, features)}
    words = published if method == "glister" else {}
    expected = prune.select_rows(
        errors=errors, features=features, labels=DATA.labels.numpy(), method=method, k=K, seed=seed, **words
    )
    assert rows.tolist() == sorted(expected.rows.tolist())
    if method == "glister":
        assert weights is None
    else:
        aligned = expected.weights[np.argsort(expected.rows)]
        np.testing.assert_allclose(weights, aligned * K / aligned.sum(), rtol=1e-3)


def test_glister_without_a_validation_set_says_so_and_leaves_no_class_out() -> None:
    """A network that knows two of three classes: the errors of the third are all that is large."""
    model = net()
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([9.0, 9.0, -9.0]))
    with pytest.warns(UserWarning, match=r"validation set, .*target=VALIDATION_DATASET, or method='random'"):
        chosen = sampler(model, method="glister", start="model")
    rows, _ = chosen.rows_of(0)
    assert np.bincount(DATA.labels[rows]).tolist() == [4, 4, 4]
    given = sampler(model, method="glister", start="model", target=DATA, options={"step": "mean"})
    assert np.bincount(DATA.labels[given.rows_of(0)[0]], minlength=3).tolist() == [0, 0, 12]


def test_batches_match_the_gradient_as_sums() -> None:
    """Batches of four: k samples, one weight a batch, nearer to the sum than at random."""
    model = net()
    train(model, sampler(None, method="random", source=None, rows=N), stop=6)
    errors, features = gradients(model)
    full = np.einsum("nc,nd->ncd", errors, np.c_[features, np.ones(N)])
    for method in ("gradmatch", "craig"):
        chosen = sampler(model, method=method, per="batch", batch=4)
        chosen.set_epoch(2)
        rows, weights = chosen.rows_of(2)
        assert len(set(rows.tolist())) == K
        held = np.ones(K) if weights is None else weights
        assert len(np.unique(held)) <= 3
        if method == "gradmatch":
            error = np.linalg.norm(np.einsum("n,ncd->cd", held * N / K, full[rows]) - full.sum(0))
            lots = np.random.default_rng(0)
            drawn = [full[lots.permutation(N)[:K]].sum(0) * N / K for _ in range(200)]
            assert error < np.median([np.linalg.norm(one - full.sum(0)) for one in drawn])


def test_a_number_of_rows_is_one_whatever_counted_them() -> None:
    known = np.ones(N, bool).sum()
    assert not isinstance(known, int)
    assert sampler(net(), rows=known).rows.tolist() == list(range(N))


def test_the_state_of_other_rows_between_the_same_ends_is_refused() -> None:
    def over(*rows: int) -> AdaptiveSampler:
        return AdaptiveSampler(None, None, rows=np.array(rows), fraction=0.5, epochs=3, method="random")

    with pytest.raises(OptionError, match="another AdaptiveSampler"):
        over(0, 1, 3, 9).load_state_dict(over(0, 2, 3, 9).state_dict())
    other = sampler(net(), options={"quota": "none"}).state_dict()
    with pytest.raises(OptionError, match="another AdaptiveSampler"):
        sampler(net()).load_state_dict(other)


def test_a_warm_start_is_no_epoch_longer_by_rounding() -> None:
    assert 0.07 * 100 > 7
    assert sampler(net(), warm=0.07, epochs=100).first == 7
    assert sampler(net(), warm=0.071, epochs=100).first == 8


def test_it_chooses_when_it_is_time_to() -> None:
    """Two warm epochs with everything, then every second epoch anew, and no look in between."""
    model = net()
    chosen = sampler(model, warm=0.3)
    seen = train(model, chosen)
    assert [one["epoch"] for one in chosen.history] == [2, 4]
    assert model.looked == 2 * N
    by_epoch = [
        sorted(row for at, rows, *_ in seen if at == epoch for row in rows) for epoch in range(EPOCHS)
    ]
    assert by_epoch[0] == by_epoch[1] == list(range(N))
    assert by_epoch[2] == by_epoch[3] != by_epoch[4] == by_epoch[5]
    assert [len(rows) for rows in by_epoch[2:]] == [K] * 4
    assert chosen.seconds == sum(one["seconds"] for one in chosen.history) > 0


def test_random_looks_at_no_model_and_a_new_model_says_nothing() -> None:
    model = net()
    chosen = sampler(model, method="random")
    train(model, chosen)
    assert model.looked == 0
    assert [one["epoch"] for one in chosen.history] == [0, 2, 4]
    first = sampler(model)
    first.rows_of(0)
    assert (first.history[0]["method"], model.looked) == ("random", 0)
    trusted = sampler(model, start="model")
    trusted.rows_of(0)
    assert (trusted.history[0]["method"], model.looked) == ("gradmatch", N)


@pytest.mark.parametrize("stop", [2, 6, 8, 13])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(tmp_path: Path, stop: int) -> None:
    whole_model = net()
    whole = train(whole_model, sampler(whole_model))
    model = net()
    chosen = sampler(model)
    before = train(model, chosen, stop)
    torch.save({"model": model.state_dict(), "sampler": chosen.state_dict()}, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    again = net()
    again.load_state_dict(state["model"])
    resumed = sampler(again)
    resumed.load_state_dict(state["sampler"])
    assert before + train(again, resumed) == whole
    assert [one["epoch"] for one in resumed.history] == [0, 2, 4]


def test_ranks_share_out_one_choice() -> None:
    model = net()
    parts = [sampler(model, rank=rank, world=4) for rank in range(4)]
    for part in parts:
        part.set_epoch(3)
    rows = sorted(row for part in parts for row in part)
    assert len(rows) == len(set(rows)) == K


PROCESS = """
import sys
import numpy as np, torch, torch.distributed
from prune.core.errors import PruneError
from prune.loaders import AdaptiveSampler
place, rank = sys.argv[1], int(sys.argv[2])
torch.distributed.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)
data = [(torch.tensor([float(row), 1.0]), row % 2) for row in range(20)]
class Data:
    gone = False
    def __len__(self): return 20
    def __getitem__(self, row):
        if self.gone and row == 7: raise FileNotFoundError("7.png is gone")
        return data[row]
model = torch.nn.Sequential(torch.nn.Linear(2, 2))
with torch.no_grad():
    for one in model.parameters(): one.fill_(rank)  # so that a choice of its own would be another
sampler = AdaptiveSampler(model, Data(), fraction=0.3, epochs=9, every=1, start="model", rank=rank, world=2)
print(*sampler.rows_of(0)[0], len(sampler.history))
Data.gone = True
try:
    sampler.rows_of(1)
except (PruneError, FileNotFoundError) as error:
    print(type(error).__name__, error)
torch.distributed.destroy_process_group()
"""


def test_the_first_process_chooses_for_all_and_what_stops_it_stops_them(tmp_path: Path) -> None:
    words = [sys.executable, "-W", "ignore", "-c", PROCESS, str(tmp_path / "meeting")]
    running = [subprocess.Popen([*words, str(rank)], stdout=subprocess.PIPE, text=True) for rank in range(2)]
    first, second = (one.communicate(timeout=300)[0].splitlines() for one in running)
    assert len(first[0].split()) == 7
    assert first[0] == second[0]
    assert first[1] == "FileNotFoundError 7.png is gone"
    assert second[1] == (
        "DataError the first process could not choose for epoch 1: FileNotFoundError: 7.png is gone"
    )


def test_a_target_is_what_is_matched() -> None:
    """Of a target of one class, gradmatch over all keeps other samples than of everything."""
    model = net()
    only = [(DATA.inputs[40:], DATA.labels[40:], torch.arange(40, 60))]
    chosen = sampler(model, target=only, options={"quota": "none"}, start="model")
    rows, _ = chosen.rows_of(0)
    errors, features = gradients(model)
    expected = prune.select_rows(
        errors=errors,
        features=features,
        target=(errors[40:], features[40:]),
        method="gradmatch",
        quota="none",
        k=K,
        seed=chosen.history[0]["seed"],
    )
    assert rows.tolist() == sorted(expected.rows.tolist())


def _batches(rows: Any) -> Any:
    rows = torch.as_tensor(rows)
    return [(DATA.inputs[rows % N], DATA.labels[rows % N], rows)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (range(N - 1), "lacks 1 of 60 samples, the first is row 59"),
        ([*range(N), 3], "some row twice"),
        ([*range(N - 1), N], "row 60, which is none of them"),
    ],
)
def test_a_source_without_all_samples_is_refused(rows: Any, said: str) -> None:
    chosen = sampler(net(), source=lambda: _batches(list(rows)), rows=N, start="model")
    with pytest.raises(DataError, match=said):
        chosen.rows_of(0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"method": "gradmach"}, "adaptive method is called 'gradmach'"),
        ({"method": "glister", "per": "batch"}, "sample by sample"),
        ({"per": "class"}, "per='class'"),
        ({"method": "craig", "target": DATA}, "craig matches no target"),
        ({"warm": 1}, "warm=1 is no part of the epochs"),
        ({"every": 0}, "every=0 is below 1"),
        ({"every": 2.5}, "every=2.5 is not a whole number"),
        ({"epochs": 0}, "epochs=0 is below 1"),
        ({"batch": 0}, "batch=0 is below 1"),
        ({"start": "x"}, "start='x' is not one of random, model"),
        ({"source": None, "rows": N}, "gradmatch looks at the model"),
        ({"source": list}, "does not say how many"),
        ({"rows": np.ones(N, bool)}, "is a mask"),
        ({"rows": 0}, "no samples to choose from"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        sampler(net(), **wrong)


@QUIET
def test_lightning_trains_on_what_is_chosen(tmp_path: Path) -> None:
    pytorch = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    seen: list[tuple[int, int]] = []

    class Module(pytorch.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def forward(self, x: Tensor) -> Tensor:
            return self.net(x)

        def training_step(self, batch: Any, _: int) -> Tensor:
            x, y, rows, weights = batch
            seen.extend((self.current_epoch, row) for row in rows.tolist())
            return (nn.functional.cross_entropy(self(x), y, reduction="none") * weights).mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    module = Module()
    chosen = sampler(module)
    trainer = pytorch.Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, DataLoader(weighted(numbered(DATA)), batch_size=4, sampler=chosen))
    check(chosen, seen)


def check(chosen: AdaptiveSampler, seen: list[tuple[int, int]]) -> None:
    assert [one["epoch"] for one in chosen.history] == [0, 2, 4]
    by_epoch = [sorted(row for at, row in seen if at == epoch) for epoch in range(EPOCHS)]
    assert [len(rows) for rows in by_epoch] == [K] * EPOCHS
    assert by_epoch[0] == by_epoch[1]
    assert by_epoch[4] == by_epoch[5] == chosen.rows_of(5)[0].tolist()
