"""The norm of every sample's gradient over all parameters, layer by layer, without keeping any gradient.

One forward and one backward pass of a batch show each layer its input a and the gradient g of its output,
sample by sample; the squared norm of the sample's weight gradient follows from the two and is added up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Squares = Callable[[Any, Tensor, Tensor], Tensor]


def gradient_norms(model: nn.Module, inputs: Tensor, labels: Tensor, *, exact: bool = False) -> Tensor:
    """‖∇_θ CE(x, y)‖₂ of every sample over all parameters; batch normalisation as in evaluation.

    Parameters
    ----------
    inputs : (b, …)
        Normalised samples.
    labels : (b,)
        Class ids.
    exact
        One backward pass a sample, as for networks that `is_covered` says no to.

    Returns
    -------
    (b,)
        float64, ≥ 0; a sample's norm does not depend on the rest of the batch.

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
    with _frozen(model), _watched(model, squares) as calls, torch.enable_grad():
        inputs = inputs.detach().requires_grad_()
        # float64, because p − 1 of a certain sample has no digits left in float32
        loss = functional.cross_entropy(model(inputs).double(), labels, reduction="sum")
        torch.autograd.grad(loss, inputs)
    wrong = {module for module, n in calls.items() if n != 1}
    if wrong:
        raise ValueError(f"{len(wrong)} layers were not used exactly once on the whole batch")
    return squares.sqrt()


def is_covered(model: nn.Module, inputs: Tensor, labels: Tensor) -> bool:
    """Say whether the fast way is right for this network: by its layers, and by trying three samples."""
    owners = [m for m in model.modules() if any(True for _ in m.parameters(recurse=False))]
    parameters = [id(p) for m in owners for p in m.parameters(recurse=False)]
    if len(set(parameters)) < len(parameters) or not all(_handles(m) for m in owners):
        return False
    # Three: a batch of one or two hides layers that mix up their axes.
    inputs, labels = inputs[:3], labels[:3]
    try:
        fast = gradient_norms(model, inputs, labels)
    except ValueError:
        return False
    return torch.allclose(fast, gradient_norms(model, inputs, labels, exact=True), rtol=1e-3, atol=1e-6)


def _handles(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d) and (module.padding_mode != "zeros" or isinstance(module.padding, str)):
        return False
    if isinstance(module, nn.BatchNorm2d) and module.running_mean is None:
        return False
    return type(module) in _SQUARES


def _one_by_one(model: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    parameters = list(model.parameters())
    norms = torch.zeros(len(inputs), dtype=torch.float64, device=inputs.device)
    with torch.enable_grad():
        for i in range(len(inputs)):
            loss = functional.cross_entropy(model(inputs[i : i + 1]).double(), labels[i : i + 1])
            found = torch.autograd.grad(loss, parameters, allow_unused=True)
            norms[i] = sum(g.double().square().sum() for g in found if g is not None)
    return norms.sqrt()


@contextlib.contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Leave the weights' own gradients out of the backward pass."""
    learns = [p for p in model.parameters() if p.requires_grad]
    for parameter in learns:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learns:
            parameter.requires_grad_(True)


@contextlib.contextmanager
def _watched(model: nn.Module, squares: Tensor) -> Iterator[dict[nn.Module, int]]:
    """Add to `squares` what each layer contributes to the backward pass; count the calls of each layer."""
    layers = [m for m in model.modules() if any(True for _ in m.parameters(recurse=False))]
    calls = dict.fromkeys(layers, 0)

    def note(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        a = given[0].detach()
        calls[module] += 1
        version = a._version

        def add(g: Tensor) -> None:
            if a._version != version or len(a) != len(squares):
                calls[module] += 1  # the input was overwritten since, or its first axis is not the batch
            else:
                squares.add_(_SQUARES[type(module)](module, a, g))

        output.register_hook(add)  # type: ignore[no-untyped-call]

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _conv2d(conv: nn.Conv2d, a: Tensor, g: Tensor) -> Tensor:
    """Σ over output places of g ⊗ (patch of a), squared and summed, a group at a time."""
    b, groups = len(a), conv.groups
    patches = _patches(conv, a)  # (b, t, k², cin)
    t, kk = patches.shape[1:3]
    patches = patches.view(b, t, kk, groups, -1).permute(0, 3, 1, 2, 4).reshape(b * groups, t, -1)
    g = g.permute(0, 2, 3, 1).reshape(b, t, groups, -1)
    squares = _products(patches, g.transpose(1, 2).reshape(b * groups, t, -1)).view(b, groups).sum(1)
    if conv.bias is not None:
        squares = squares + _summed(g.reshape(b, t, -1))
    return squares


def _patches(conv: nn.Conv2d, a: Tensor) -> Tensor:
    """Return (b, t, k², cin): what each output place sees. Channels last, so that copies are long."""
    assert not isinstance(conv.padding, str)
    (high, wide), (down, across), (top, left) = conv.kernel_size, conv.stride, conv.padding
    if top or left:
        a = functional.pad(a, (left, left, top, top))
    a = a.permute(0, 2, 3, 1)
    rows, columns = (
        (a.shape[axis] - conv.dilation[axis - 1] * (conv.kernel_size[axis - 1] - 1) - 1)
        // conv.stride[axis - 1]
        + 1
        for axis in (1, 2)
    )
    n, y, x, c = a.stride()
    seen = a.as_strided(
        (len(a), rows, columns, high, wide, a.shape[3]),
        (n, y * down, x * across, y * conv.dilation[0], x * conv.dilation[1], c),
        a.storage_offset(),
    )
    return seen.reshape(len(a), rows * columns, high * wide, a.shape[3])


def _linear(linear: nn.Linear, a: Tensor, g: Tensor) -> Tensor:
    """‖g‖²‖a‖² for one place a sample; for several, as a convolution."""
    b = len(a)
    a, g = a.reshape(b, -1, a.shape[-1]), g.reshape(b, -1, g.shape[-1])
    squares = _products(a, g)
    return squares if linear.bias is None else squares + _summed(g)


def _products(a: Tensor, g: Tensor) -> Tensor:
    """‖Σ_t a_t ⊗ g_t‖² of (b, t, p) and (b, t, q): by the Gram matrices where that is less work."""
    t, p, q = a.shape[1], a.shape[2], g.shape[2]
    if t == 1:
        return a.double().square().sum((1, 2)) * g.double().square().sum((1, 2))
    if t * (p + q) < p * q:
        return (torch.bmm(a, a.transpose(1, 2)) * torch.bmm(g, g.transpose(1, 2))).double().sum((1, 2))
    return torch.bmm(g.transpose(1, 2), a).flatten(1).square_().double().sum(1)


def _summed(g: Tensor) -> Tensor:
    """‖Σ_t g_t‖²: the bias of a layer that is applied at t places."""
    return g.sum(1).double().square().sum(1)


def _batch_norm(norm: nn.BatchNorm2d | nn.BatchNorm1d, a: Tensor, g: Tensor) -> Tensor:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    form = (1, -1) + (1,) * (a.ndim - 2)
    seen = (a - norm.running_mean.view(form)) * (norm.running_var + norm.eps).rsqrt().view(form)
    return _affine(norm, seen, g, tuple(range(2, a.ndim)))


def _group_norm(norm: nn.GroupNorm, a: Tensor, g: Tensor) -> Tensor:
    seen = functional.group_norm(a, norm.num_groups, eps=norm.eps)
    return _affine(norm, seen, g, tuple(range(2, a.ndim)))


def _layer_norm(norm: nn.LayerNorm, a: Tensor, g: Tensor) -> Tensor:
    seen = functional.layer_norm(a, norm.normalized_shape, eps=norm.eps)
    return _affine(norm, seen, g, tuple(range(1, a.ndim - len(norm.normalized_shape))))


def _affine(norm: nn.Module, seen: Tensor, g: Tensor, places: tuple[int, ...]) -> Tensor:
    """‖Σ g·x̂‖² + ‖Σ g‖², summed over the places where the same scale and shift are used."""
    scale, shift = seen * g, g
    if places:
        scale, shift = scale.sum(places), shift.sum(places)
    squares = scale.flatten(1).double().square().sum(1)
    return squares if norm.bias is None else squares + shift.flatten(1).double().square().sum(1)


_SQUARES: dict[type[nn.Module], Squares] = {
    nn.Conv2d: _conv2d,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
}
