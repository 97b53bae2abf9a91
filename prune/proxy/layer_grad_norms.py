"""The squared norm of each sample's weight gradient, from a layer's input and the gradient of its output.

The gradient of a layer that is applied at t places is the sum of t outer products. Its norm is either taken
of that sum, a matrix for each sample, or by inner products between places (Gram), whichever is less work.

Axes:  b samples · t places: pixels or tokens · p numbers seen at a place · q outputs at a place
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from prune.proxy.ngram_network import NgramMean

_FLOATS = {"cpu": 1 << 19, "cuda": 1 << 26}  # numbers in work at once: on a CPU they stay in its cache


def has_squares(layer: nn.Module) -> bool:
    """Say whether `squares_of` knows this kind of layer, all of whose parameters learn."""
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_mean is None:
        return False
    named = dict(layer.named_parameters(recurse=False))
    return (
        type(layer) in _SQUARES
        and set(named) <= {"weight", "bias"}
        and all(parameter.requires_grad for parameter in named.values())
    )


def squares_of(layer: nn.Module, a: Tensor, g: Tensor) -> Tensor:
    """‖∂/∂(weight, bias)‖² of every sample.

    Parameters
    ----------
    layer
        In evaluation mode; one that `has_squares` says yes to.
    a, g : (b, …)
        What the layer saw, and the gradient of what it gave.

    Returns
    -------
    (b,)
        float64, at least 0.
    """
    return _SQUARES[type(layer)](layer, a, g).clamp_(min=0).double()


def _conv2d(conv: nn.Conv2d, a: Tensor, g: Tensor) -> Tensor:
    places, edges = _rows(g), _edges(conv)
    if conv.padding_mode != "zeros":
        a, edges = functional.pad(a, edges, conv.padding_mode), (0, 0, 0, 0)
    if conv.groups == 1 and _by_pixels_is_less(conv, a, g):
        squares = _by_pixels(conv, a, g, edges)
    else:
        squares = _by_patches(conv, functional.pad(a, edges) if any(edges) else a, places)
    return squares if conv.bias is None else squares + _summed(places)


def _edges(conv: nn.Conv2d) -> tuple[int, int, int, int]:
    """Return how many pixels are added to the left, the right, the top and the bottom."""
    if not isinstance(conv.padding, str):
        top, left = conv.padding
        return left, left, top, top
    if conv.padding == "valid":
        return 0, 0, 0, 0
    down, across = (d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True))
    return across // 2, across - across // 2, down // 2, down - down // 2  # the odd one goes to the end


def _by_pixels_is_less(conv: nn.Conv2d, a: Tensor, g: Tensor) -> bool:
    """Say whether inner products between pixels are less work than what patches of them take."""
    p, q, kernel = a.shape[1], g.shape[1], conv.kernel_size[0] * conv.kernel_size[1]
    pixels, t = a.shape[2] * a.shape[3], g.shape[2] * g.shape[3]
    copies = t * kernel * p * _COPY
    patches = copies + min(t * t * (kernel * p + q), t * kernel * p * q)
    return pixels**2 * (p + _SUM) + t * t * (q + _SUM) < patches


_SUM, _COPY = 64, 8  # multiplications that take as long as sums over windows, and as a copy: a number


def _by_pixels(conv: nn.Conv2d, a: Tensor, g: Tensor, edges: tuple[int, int, int, int]) -> Tensor:
    """Σ over pairs of places of (patch · patch) (g · g), where patch · patch sums the products of pixels."""
    (_, _, high, wide), (rows, columns) = a.shape, g.shape[2:]
    found = []
    for block, gradients in _blocks((high * wide) ** 2, _rows(a), _rows(g)):
        b = len(block)
        products = torch.bmm(block, block.transpose(1, 2)).permute(1, 2, 0).contiguous()
        products = products.view(high, wide, high, wide, b)  # samples last, so that sums run along them
        products = _windows(products, conv, 0, rows, edges[2])
        products = _windows(products, conv, 1, columns, edges[0])
        others = torch.bmm(gradients, gradients.transpose(1, 2)).view(b, -1)
        found.append((products.view(-1, b) * others.T).sum(0))
    return torch.cat(found)


def _windows(products: Tensor, conv: nn.Conv2d, axis: int, places: int, edge: int) -> Tensor:
    """Sum what the kernel sees along an axis, of both pixels of a pair at once; beyond the edge is 0."""
    size, stride = products.shape[axis], conv.stride[axis]
    shape = list(products.shape)
    shape[axis] = shape[axis + 2] = places
    total = products.new_zeros(shape)
    for tap in range(conv.kernel_size[axis]):
        first = tap * conv.dilation[axis] - edge  # the pixel that the first place sees
        low, high = max(0, -(first // stride)), min(places, (size - 1 - first) // stride + 1)
        if low < high:
            to = slice(low, high)
            seen = slice(first + low * stride, first + (high - 1) * stride + 1, stride)
            if axis == 0:
                total[to, :, to] += products[seen, :, seen]
            else:
                total[:, to, :, to] += products[:, seen, :, seen]
    return total


def _by_patches(conv: nn.Conv2d, a: Tensor, g: Tensor) -> Tensor:
    """Σ over places of g ⊗ (patch of a), squared and summed, a group at a time."""
    groups, t = conv.groups, g.shape[1]
    kernel = conv.kernel_size[0] * conv.kernel_size[1]
    found = []
    for block, gradients in _blocks((t + g.shape[2]) * kernel * a.shape[1], a, g):
        patches = _patches(conv, block, g.shape[1])  # (b, t, k², p)
        b = len(block)
        patches = patches.view(b, t, kernel, groups, -1).permute(0, 3, 1, 2, 4).reshape(b * groups, t, -1)
        outputs = gradients.view(b, t, groups, -1).transpose(1, 2).reshape(b * groups, t, -1)
        found.append(_products(patches, outputs).view(b, groups).sum(1))
    return torch.cat(found)


def _patches(conv: nn.Conv2d, a: Tensor, places: int) -> Tensor:
    """Return (b, t, k², p): what each output place sees. Channels last, so that copies are long."""
    a = a.permute(0, 2, 3, 1)
    reach = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True)]
    rows, columns = ((a.shape[i + 1] - reach[i] - 1) // conv.stride[i] + 1 for i in (0, 1))
    n, y, x, c = a.stride()
    seen = a.as_strided(
        (len(a), rows, columns, *conv.kernel_size, a.shape[3]),
        (n, y * conv.stride[0], x * conv.stride[1], y * conv.dilation[0], x * conv.dilation[1], c),
        a.storage_offset(),
    )
    return seen.reshape(len(a), places, -1, a.shape[3])


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
        return a.square().sum((1, 2)) * g.square().sum((1, 2))
    if t * (p + q) < p * q:
        return (torch.bmm(a, a.transpose(1, 2)) * torch.bmm(g, g.transpose(1, 2))).sum((1, 2))
    return torch.bmm(g.transpose(1, 2), a).flatten(1).square_().sum(1)


def _summed(g: Tensor) -> Tensor:
    """‖Σ_t g_t‖²: the bias of a layer that is applied at t places."""
    return g.sum(1).square().sum(1)


def _batch_norm(norm: nn.BatchNorm2d | nn.BatchNorm1d, a: Tensor, g: Tensor) -> Tensor:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = (norm.running_var + norm.eps).rsqrt()
    found = []
    for block, gradients in _blocks(a[0].numel(), _rows(a), _rows(g)):
        seen = (block - norm.running_mean).mul_(gradients).sum(1).mul_(scale)
        squares = seen.square().sum(1)
        found.append(squares if norm.bias is None else squares + _summed(gradients))
    return torch.cat(found)


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
    squares = scale.flatten(1).square().sum(1)
    return squares if norm.bias is None else squares + shift.flatten(1).square().sum(1)


def _ngram_mean(bag: NgramMean, a: Tensor, g: Tensor) -> Tensor:
    """‖g‖² Σ (count of an id / ids)²: each id of a text pulls its row of the table by g / ids."""
    del bag
    there, alike = a > 0, torch.zeros(a.shape, dtype=torch.float64, device=a.device)
    ids = a.sort(1).values
    new = torch.cat([torch.ones_like(ids[:, :1], dtype=torch.bool), ids[:, 1:] != ids[:, :-1]], 1)
    alike.scatter_add_(1, new.cumsum(1) - 1, (ids > 0).double())  # how often each id of a text stands there
    shares = alike.square().sum(1) / there.sum(1).clamp(min=1).double().square()
    return g.square().sum(1).double() * shares


def _embedding(table: nn.Embedding, a: Tensor, g: Tensor) -> Tensor:
    """Σ over ids of ‖Σ of g where the id stands‖²: inner products of all places that have the same."""
    a, g = a.reshape(len(a), -1), g.reshape(len(g), -1, g.shape[-1])
    if table.padding_idx is not None:
        g = g * (a != table.padding_idx)[:, :, None]
    found = []
    for ids, gradients in _blocks(a.shape[1] ** 2, a, g):
        alike = ids[:, :, None] == ids[:, None, :]
        found.append((torch.bmm(gradients, gradients.transpose(1, 2)) * alike).sum((1, 2)))
    return torch.cat(found)


def _rows(images: Tensor) -> Tensor:
    """(b, c, …) to (b, t, c); no copy where channels are last."""
    return images.movedim(1, -1).reshape(len(images), -1, images.shape[1])


def _blocks(each: int, a: Tensor, g: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield some samples of both at a time, so that `each` numbers a sample stay within the block's size."""
    step = max(1, _FLOATS.get(a.device.type, 1 << 19) // each)
    yield from zip(torch.split(a, step), torch.split(g, step), strict=True)


Squares = Callable[[Any, Tensor, Tensor], Tensor]
_SQUARES: dict[type[nn.Module], Squares] = {
    nn.Conv2d: _conv2d,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
    nn.Embedding: _embedding,
    NgramMean: _ngram_mean,
}
