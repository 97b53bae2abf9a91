"""DeepFool as a column: how far every sample lies from the nearest decision boundary, through the network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from prune.core.arrays import Rows, Scores
from prune.core.column_name import DEEPFOOL
from prune.core.progress import Advance, Reporter
from prune.proxy.batches import batch_of
from prune.proxy.inputs import Inputs
from prune.proxy.network_columns import NetworkColumn, values_in_batches, write_values
from prune.store import ColumnPart, ColumnWriter

CLASSES, STEPS, OVERSHOOT = 10, 50, 0.02


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

    def look(network: nn.Module, here: Rows) -> Scores:
        found: Scores = distances(network, inputs.normalise(inputs.take(here))).cpu().numpy()
        return found

    def values(here: Rows, advance: Advance) -> Scores:
        return values_in_batches(model, inputs, here, batch_of(inputs), look, advance)

    write_values(writer, missing, inputs.rows, values, (_STAGE, reporter))


_STAGE = "distances to the decision boundary"
boundary_distances = NetworkColumn(
    kind=DEEPFOOL,
    what="distance to the boundary",
    stage=_STAGE,
    version=1,
    part_rows=2048,
    write=write_distances,
    epoch=lambda training: training.last,
    more={"search": {"classes": CLASSES, "steps": STEPS, "overshoot": OVERSHOOT}},
)
