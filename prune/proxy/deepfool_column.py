"""DeepFool as a column: how far every sample lies from the nearest decision boundary, through the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from prune.core.arrays import Rows, Scores
from prune.core.column_name import DEEPFOOL, ColumnName
from prune.core.progress import SILENT, Advance, Reporter
from prune.proxy.batches import batch_of, in_batches
from prune.proxy.config import Training
from prune.proxy.inputs import Inputs
from prune.proxy.run import Proxy, model_at, run_proxies
from prune.proxy.sharded_step import way
from prune.proxy.torch_device import repeatable
from prune.proxy.training_subsets import Share
from prune.store import Column, ColumnPart, ColumnWriter, Dataset, Store, identity

VERSION = 1  # raised when the same weights would give other distances
CLASSES, STEPS, OVERSHOOT = 10, 50, 0.02
_PART_ROWS = 2048  # some seconds of work on two cores


def boundary_distances(  # noqa: PLR0913 - run_proxy's parameters
    store: Store,
    dataset: Dataset,
    inputs: Column,
    training: Training,
    run: int = 0,
    *,
    share: Share | None = None,
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> dict[str, str]:
    """Squared distances to the decision boundary after the last epoch, as the column `deepfool.<run>`.

    Trains first, where the run is not finished. Float32 (n,), see `distances`; NaN for rejected samples.

    Returns
    -------
    dict
        Column name to the identity of its recipe, of this column and of those of the run.
    """
    proxy = Proxy(run, share)
    columns = run_proxies(store, dataset, inputs, training, [proxy], device=device, reporter=reporter)
    recipe = {
        "column": DEEPFOOL,
        "version": VERSION,
        "trace": columns[proxy.trace],
        "epoch": training.last,
        "search": {"classes": CLASSES, "steps": STEPS, "overshoot": OVERSHOOT},
        **way(device),
    }
    writer = store.write_column(
        ColumnName.of_run(DEEPFOOL, proxy.name), recipe, rows=len(dataset), part_rows=_PART_ROWS
    )
    missing = list(writer.missing())
    if missing:
        place = torch.device(device)
        with repeatable(place):
            fed = proxy.fed(Inputs(inputs, dataset, place, say=reporter.say))
            trace = store.open_column(proxy.trace, columns[proxy.trace])
            write_distances(writer, missing, model_at(trace, fed, training, training.last), fed, reporter)
    writer.finish()
    return columns | {writer.name: identity(recipe)}


def distances(
    model: nn.Module,
    inputs: Tensor,
    *,
    classes: int = CLASSES,
    steps: int = STEPS,
    overshoot: float = OVERSHOOT,
) -> Tensor:
    """‖r‖² of the smallest change r of each sample that DeepFool finds to alter its prediction.

    Each step takes the network for linear, and goes to the nearest boundary between the class predicted at
    first and one of its rivals, `overshoot` of the whole way beyond; samples that have crossed stop. Time: a
    forward and `classes` backward passes a step; memory: that of one backward pass and four times the batch.

    Parameters
    ----------
    inputs : (b, …)
        Normalised samples.
    classes
        The likeliest so many are looked at, the predicted one among them.
    steps
        At most; what has not crossed by then counts as far as it has come.
    overshoot
        At least 0; not part of r.

    Returns
    -------
    (b,)
        float32, ≥ 0; infinite where no change of the sample changes the output. A distance does not depend on
        the rest of the batch, but for rounding.

    References
    ----------
    Moosavi-Dezfooli, Fawzi & Frossard, "DeepFool", CVPR 2016, arXiv:1511.04599.
    """
    model.eval()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for parameter in learning:
            parameter.requires_grad_(False)
        return _distances(model, inputs.detach(), classes, steps, overshoot)
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def _distances(model: nn.Module, inputs: Tensor, classes: int, steps: int, overshoot: float) -> Tensor:
    with torch.no_grad():
        first = model(inputs)
    rivals = first.topk(min(classes, first.shape[1]), dim=1).indices  # the predicted class comes first
    endless = torch.zeros(len(inputs), dtype=torch.bool, device=inputs.device)
    moves = torch.zeros_like(inputs)
    alive = torch.arange(len(inputs), device=inputs.device)
    for _ in range(steps):
        here = inputs[alive] + (1 + overshoot) * moves[alive]
        step = _step(model, here, rivals[alive])
        endless[alive[step.inside & step.length.isinf()]] = True
        going = step.inside & (step.length > 0) & step.length.isfinite()
        alive = alive[going]
        if not len(alive):
            break
        moves[alive] += step.move[going]
    squares = moves.flatten(1).double().square().sum(1).float()
    return squares.masked_fill(endless, torch.inf)


@dataclass(frozen=True)
class _Step:
    """Where the nearest boundary of the network as it is around some samples lies."""

    inside: Tensor  # (a,) whether the prediction is still the first one
    length: Tensor  # (a,) of the move; infinite where there is none
    move: Tensor  # (a, …)


def _step(model: nn.Module, here: Tensor, rivals: Tensor) -> _Step:
    with torch.enable_grad():
        here = here.requires_grad_()
        logits = model(here)
        of_rivals = logits.gather(1, rivals)
        own = _gradient(of_rivals[:, 0], here)
        length = torch.full((len(here),), torch.inf, device=here.device)
        move = torch.zeros_like(own)
        form = (-1, *[1] * (here.ndim - 1))
        for j in range(1, rivals.shape[1]):
            slope = _gradient(of_rivals[:, j], here) - own
            squares = slope.flatten(1).double().square().sum(1)
            gap = (of_rivals[:, 0] - of_rivals[:, j]).detach().abs().double()
            reach = (gap / squares.sqrt()).nan_to_num(torch.inf, torch.inf).float()  # 0/0: two classes in one
            nearer = reach < length
            factor = torch.where(nearer, gap / squares, 0.0).reshape(form)
            move = torch.where(nearer.reshape(form), (factor * slope.double()).float(), move)
            length = torch.where(nearer, reach, length)
    return _Step(logits.detach().argmax(1) == rivals[:, 0], length, move)


def _gradient(values: Tensor, inputs: Tensor) -> Tensor:
    if not values.requires_grad:
        return torch.zeros_like(inputs)
    (gradient,) = torch.autograd.grad(values.sum(), inputs, retain_graph=True)
    return gradient.detach()


def write_distances(
    writer: ColumnWriter, missing: list[ColumnPart], model: nn.Module, inputs: Inputs, reporter: Reporter
) -> None:
    """Write the distances of parts of a column, for any network."""
    rows = [inputs.rows[(inputs.rows >= part.start) & (inputs.rows < part.stop)] for part in missing]
    with reporter.stage("distances to the decision boundary", sum(map(len, rows))) as advance:
        for part, here in zip(missing, rows, strict=True):
            values = np.full(part.stop - part.start, np.nan, np.float32)
            values[here - part.start] = _of_rows(model, inputs, here, advance)
            writer.put(part, values)


def _of_rows(model: nn.Module, inputs: Inputs, rows: Rows, advance: Advance) -> Scores:
    def look(network: nn.Module, here: Rows) -> Scores:
        found: Scores = distances(network, inputs.normalise(inputs.take(here))).cpu().numpy()
        return found

    values, done = np.empty(len(rows), np.float32), 0
    for here, found in in_batches(model, inputs, rows, batch_of(inputs), look):
        values[done : done + len(here)] = found
        done += len(here)
        advance(len(here))
    return values
