"""GraNd as a column: the gradient norm of every sample, at the weights a run had early on."""

from __future__ import annotations

from torch import nn

from prune.core.arrays import Rows, Scores
from prune.core.column_name import GRAD_NORM
from prune.core.epochs import early_epoch
from prune.core.progress import Advance, Reporter
from prune.proxy.batches import batch_of
from prune.proxy.inputs import Inputs
from prune.proxy.network_columns import NetworkColumn, values_in_batches, write_values
from prune.proxy.sample_grad_norms import gradient_norms, obstacle
from prune.store import ColumnPart, ColumnWriter


def write_norms(
    writer: ColumnWriter, missing: list[ColumnPart], model: nn.Module, inputs: Inputs, reporter: Reporter
) -> None:
    """Write the norms of parts of a column, for any network.

    Raises
    ------
    OptionError
        No sample has a gradient of its own in this network; the layer is named.
    """
    rows = inputs.rows[inputs.labels[inputs.rows].numpy() >= 0]
    odd = obstacle(model, inputs.normalise(inputs.take(inputs.rows[:3])))
    if odd:
        reporter.say(f"{odd}: grad_norm takes a backward pass for every single sample, which is slow")

    def values(here: Rows, advance: Advance) -> Scores:
        return norms_of(model, inputs, here, advance, exact=bool(odd))

    write_values(writer, missing, rows, values, (_STAGE, reporter))


def norms_of(
    model: nn.Module, inputs: Inputs, rows: Rows, advance: Advance, *, exact: bool = False
) -> Scores:
    """‖∇_θ CE‖₂ of the samples at `rows`, which have labels, in batches; memory does not grow with them.

    Parameters
    ----------
    exact
        One backward pass a sample: for networks in which `obstacle` finds something.

    Returns
    -------
    (b,)
        float32, in the order of `rows`.
    """

    def look(network: nn.Module, here: Rows) -> Scores:
        samples = inputs.normalise(inputs.take(here))
        labels = inputs.labels[here].to(inputs.device)
        found: Scores = gradient_norms(network, samples, labels, exact=exact).cpu().numpy()
        return found

    return values_in_batches(model, inputs, rows, gradient_batch(inputs), look, advance)


def gradient_batch(inputs: Inputs) -> int:
    """Return how many samples share a backward pass: a quarter of those that share a forward pass."""
    return max(1, batch_of(inputs) // 4)


_STAGE = "gradient norms"
grad_norms = NetworkColumn(  # ‖∇_θ CE‖₂ over all parameters, in evaluation mode and without augmentation
    kind=GRAD_NORM,
    what="gradient",
    stage=_STAGE,
    version=2,
    part_rows=8192,
    write=write_norms,
    epoch=lambda training: early_epoch(training.last),
)
