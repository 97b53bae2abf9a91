"""The norm of every sample's gradient over all parameters, layer by layer, without keeping any gradient.

One forward and one backward pass of a batch show each layer its input a and the gradient g of its output,
sample by sample; the squared norm of the sample's weight gradient follows from the two and is added up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from prune.core.errors import OptionError
from prune.proxy.layer_grad_norms import has_squares, squares_of

_TRIED = 3  # samples: a batch of one or two hides layers that mix up their axes
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class UnusualLayerError(ValueError):
    """A layer is not used once, on the whole batch; it is named."""


def gradient_norms(model: nn.Module, inputs: Tensor, labels: Tensor, *, exact: bool = False) -> Tensor:
    """‖∇_θ CE(x, y)‖₂ of every sample over all parameters; batch normalisation as in evaluation.

    Time of about a training step of the batch, memory of its activations. The gradient is linear in the error
    p − y: it is taken for an error of length 1 and then multiplied, so that samples of which the network is
    almost certain keep their digits.

    Parameters
    ----------
    inputs : (b, …)
        Normalised samples.
    labels : (b,)
        Class ids.
    exact
        One backward pass a sample, as for networks in which `obstacle` finds something.

    Returns
    -------
    (b,)
        float64, ≥ 0; a sample's norm does not depend on the rest of the batch. Parameters that do not
        require gradients are left out.

    Raises
    ------
    ValueError
        A layer was used twice or not at all, or its input is not a batch of this size.

    References
    ----------
    Paul et al., "Deep Learning on a Data Diet", arXiv:2107.07075; the norms by layer: Goodfellow,
    arXiv:1510.01799, and Rochette et al., arXiv:1912.06015.
    """
    model.eval()
    if exact:
        return _one_by_one(model, inputs, labels)
    squares = torch.zeros(len(inputs), dtype=torch.float64, device=inputs.device)
    with torch.enable_grad(), _watched(model, squares) as (calls, root):
        logits = model(inputs)
        errors, lengths = _errors(logits.detach(), labels)
        if logits.requires_grad:
            torch.autograd.grad(logits, root, errors, allow_unused=True)
    wrong = [_called(name, layer) for name, layer in _learning(model).items() if calls[layer] != 1]
    if wrong:
        raise UnusualLayerError(f"{', '.join(wrong)}: not used exactly once on the whole batch")
    return squares.sqrt() * lengths


def obstacle(model: nn.Module, inputs: Tensor) -> str:
    """Name the layer for which the fast way would be wrong, by its kind or by trying three samples.

    Parameters
    ----------
    inputs : (b, …)
        Normalised samples; three are enough.

    Returns
    -------
    str
        Empty where the fast way is right.

    Raises
    ------
    OptionError
        There is no right answer: a layer mixes the samples of a batch, nothing learns, or autograd cannot
        differentiate the network.
    """
    model.eval()
    layers = _learning(model)
    _require_own_gradients(model)
    inputs = inputs[:_TRIED]
    with torch.no_grad():
        labels = model(inputs).argmin(1)  # the least likely class, so that no gradient is 0
    try:
        truth = gradient_norms(model, inputs, labels, exact=True)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = _unusual(layers) or _tried(model, inputs, labels)[1] or str(error).partition("\n")[0]
        raise OptionError(f"autograd cannot differentiate this network ({reason})", _OTHERWISE) from error
    if len(inputs) < _TRIED:
        return "there are too few samples to try the fast way"
    found, reason = _tried(model, inputs, labels) if not (odd := _unusual(layers)) else (None, odd)
    if found is None:
        return reason
    return "" if torch.allclose(found, truth, rtol=1e-3, atol=0) else "the norms by layer are not autograd's"


_OTHERWISE = "use --type grad_norm_last, which looks at the last layer only"


def _tried(model: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor | None, str]:
    try:
        return gradient_norms(model, inputs, labels), ""
    except UnusualLayerError as error:
        return None, str(error)


def _unusual(layers: dict[str, nn.Module]) -> str:
    owners: dict[int, str] = {}
    for name, layer in layers.items():
        if not has_squares(layer):
            return f"{_called(name, layer)} has no fast way"
        for parameter in layer.parameters(recurse=False):
            if id(parameter) in owners:
                return f"{_called(name, layer)} shares a weight with {owners[id(parameter)]}"
            owners[id(parameter)] = name
    return ""


def _require_own_gradients(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if isinstance(module, _NORMS) and module.running_mean is None:
            raise OptionError(
                f"{_called(name, module)} keeps no running statistics: no sample has a gradient of its own",
                _OTHERWISE,
            )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise OptionError("no parameter of this network learns: there is no gradient", _OTHERWISE)


def _learning(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that have parameters of their own which learn."""
    return {
        name: module
        for name, module in model.named_modules()
        if any(parameter.requires_grad for parameter in module.parameters(recurse=False))
    }


def _called(name: str, layer: nn.Module) -> str:
    return f"{name or 'the network'} ({type(layer).__name__})"


def _errors(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return p − onehot(y) at length 1, and its length in float64."""
    probs = logits.double().softmax(1)
    place = labels[:, None]
    others = probs.scatter(1, place, 0.0)
    errors = others.scatter(1, place, -others.sum(1, keepdim=True))  # p − 1 has no digits left near p = 1
    lengths = errors.norm(dim=1)
    return (errors / lengths.clamp(min=torch.finfo(torch.float64).tiny)[:, None]).to(logits.dtype), lengths


def _one_by_one(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    norms = torch.zeros(len(inputs), dtype=torch.float64, device=inputs.device)
    with torch.enable_grad():
        for i in range(len(inputs)):
            logits = model(inputs[i : i + 1])
            error, length = _errors(logits.detach(), labels[i : i + 1])
            found = torch.autograd.grad(logits, parameters, error, allow_unused=True)
            squares = [g.double().square().sum() for g in found if g is not None]
            norms[i] = length[0] * torch.stack(squares).sum().sqrt() if squares else 0.0
    return norms


@contextlib.contextmanager
def _watched(model: nn.Module, squares: Tensor) -> Iterator[tuple[dict[nn.Module, int], Tensor]]:
    """Add to `squares` what each layer contributes to the backward pass; count the calls of each layer.

    The weights need no gradients meanwhile. The backward pass ends at the first layers' outputs, which hang
    on an empty tensor, the root: the gradient of the images would be for nothing.
    """
    layers = _learning(model)
    calls = dict.fromkeys(layers.values(), 0)
    root = torch.empty(0, device=squares.device, requires_grad=True)

    def note(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        a = given[0].detach()
        calls[module] += 1
        version = a._version

        def add(g: Tensor) -> None:
            if a._version != version or len(a) != len(squares):
                calls[module] += 1  # the input was overwritten since, or its first axis is not the batch
            else:
                squares.add_(squares_of(module, a, g))

        if not output.requires_grad:
            output = _Rooted.apply(root, output)
        output.register_hook(add)  # type: ignore[no-untyped-call]
        return output

    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    hooks = [layer.register_forward_hook(note) for layer in layers.values()]
    try:
        for parameter in parameters:
            parameter.requires_grad_(False)
        yield calls, root
    finally:
        for hook in hooks:
            hook.remove()
        for parameter in parameters:
            parameter.requires_grad_(True)


class _Rooted(torch.autograd.Function):
    """The same tensor, which gradients now flow to."""

    @staticmethod
    def forward(ctx: Any, root: Tensor, output: Tensor) -> Tensor:
        del root
        ctx.mark_dirty(output)  # not a view, which layers such as ReLU(inplace=True) could not overwrite
        return output

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[None, None]:
        del ctx, g
        return None, None
