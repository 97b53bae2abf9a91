"""Several small proxies side by side: on a GPU that one of them leaves idle most of the time.

Each has a thread and a stream of its own, and draws from generators of its own, so the bits are those of one
after the other. Networks with random layers draw from torch's global generator, and go one at a time; so do
all on a CPU, whose cores one proxy fills.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import torch
from torch import Tensor, nn

from prune.core.progress import Advance, Reporter
from prune.proxy.batches import batch_of
from prune.proxy.config import Training
from prune.proxy.disk_footprint import require_room_for
from prune.proxy.inputs import Inputs
from prune.proxy.resumable_training import ResumableTraining
from prune.proxy.train import draws_nothing, new_model

_MOST = 8  # Python launches the kernels of all of them
_SHARE = 0.5  # of the free memory of a GPU


def follow_all(
    proxy_runs: Sequence[ResumableTraining],
    *,
    at_once: int,
    reporter: Reporter,
    spent: Callable[[ResumableTraining, float], None],
) -> None:
    """Follow every run, `at_once` side by side.

    Parameters
    ----------
    spent
        Told of the seconds of each epoch; of several at once, their share of the time.

    Raises
    ------
    OutputError
        What they will write does not fit on the disk.
    """
    left = [proxy_run for proxy_run in proxy_runs if proxy_run.work]
    require_room_for(left)
    for proxy_run in proxy_runs:
        if proxy_run not in left:
            proxy_run.follow(_nothing, _nothing)
    if at_once == 1 or len(left) < 2:
        for proxy_run in left:
            with reporter.stage(
                f"training {proxy_run.training.proxy}, run {proxy_run.name}", proxy_run.work
            ) as advance:
                proxy_run.follow(advance, lambda seconds, proxy_run=proxy_run: spent(proxy_run, seconds))  # type: ignore[misc]
        return
    names = f"{left[0].name} to {left[-1].name}"
    work = sum(proxy_run.work for proxy_run in left)
    with reporter.stage(f"training {left[0].training.proxy}, runs {names}", work) as advance:
        _side_by_side(left, at_once, advance, spent)


def room_for(inputs: Inputs, training: Training, count: int) -> int:
    """Return how many of `count` proxies fit side by side: 1 on a CPU, and for random layers."""
    if inputs.device.type != "cuda" or count < 2:
        return 1
    model = new_model(inputs, training, 0).cpu()
    if not draws_nothing(model):
        return 1
    torch.cuda.empty_cache()
    free = torch.cuda.mem_get_info(inputs.device)[0]
    return max(1, min(count, _MOST, int(_SHARE * free / _bytes(model, inputs, training))))


def _bytes(model: nn.Module, inputs: Inputs, training: Training) -> int:
    """Return what a proxy needs: weights, gradients, momentum, and the outputs of all layers, twice."""
    sizes: list[int] = []

    def note(_: nn.Module, __: object, out: Tensor) -> None:
        sizes.append(out.numel() // 2)

    hooks = [m.register_forward_hook(note) for m in model.modules() if not list(m.children())]
    with torch.inference_mode():
        model.eval()(torch.zeros(2, *inputs.shape))
    for hook in hooks:
        hook.remove()
    weights = sum(p.numel() for p in model.parameters())
    learning, looking = 2 * training.batch * sum(sizes), 2 * batch_of(inputs) * max(sizes)
    return 4 * (3 * weights + learning + looking)


class _Abandoned(BaseException):
    """Another proxy failed, or the user stopped the command."""


def _side_by_side(
    proxy_runs: Sequence[ResumableTraining],
    at_once: int,
    advance: Advance,
    spent: Callable[[ResumableTraining, float], None],
) -> None:
    lock, over = threading.Lock(), threading.Event()

    def progress(done: int) -> None:
        if over.is_set():
            raise _Abandoned
        with lock:
            advance(done)

    def one(proxy_run: ResumableTraining) -> None:
        def share(seconds: float) -> None:
            with lock:
                spent(proxy_run, seconds / min(at_once, len(proxy_runs)))

        if over.is_set():
            raise _Abandoned
        with _stream(proxy_run.inputs.device):
            proxy_run.follow(progress, share)

    with ThreadPoolExecutor(at_once, thread_name_prefix="proxy") as pool:
        futures = [pool.submit(one, proxy_run) for proxy_run in proxy_runs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            over.set()  # where all are done, nobody looks
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in sorted(errors, key=lambda e: isinstance(e, _Abandoned)):
        raise error


@contextlib.contextmanager
def _stream(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.default_stream(device))  # the images are on their way in that one
    with torch.cuda.stream(stream):
        yield
    stream.synchronize()


def _nothing(_: float) -> None:
    """Tell nobody."""
