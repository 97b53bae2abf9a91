"""The trace of a Lightning training: one callback that looks at every sample after each epoch."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

from prune.trace.writer import TraceWriter


def _base() -> Any:
    for name in ("lightning.pytorch", "pytorch_lightning"):
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            return importlib.import_module(name).Callback
    raise ImportError("prune.trace.lightning needs Lightning, which is not installed: pip install lightning")


class TraceCallback(_base()):  # type: ignore[misc] # known when it runs
    """Observes the module after each training epoch, and closes the trace when the training ends.

        writer = TraceWriter(".prune", epochs=20)
        Trainer(max_epochs=20, callbacks=[TraceCallback(writer, loader)]).fit(module, train_loader)

    The module's `forward` returns logits. A training that goes on from `ckpt_path` wants
    `TraceWriter(…, resume=True)`. With several processes the first one writes.

    Parameters
    ----------
    loader
        Every sample once, without augmentation: (inputs, labels, keys or rows).
    options
        Of `TraceWriter.observe`: head, unpack, device.
    """

    def __init__(self, writer: TraceWriter, loader: Iterable[Any], **options: Any) -> None:
        super().__init__()
        self.writer, self.loader, self.options = writer, loader, options

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Look at every sample."""
        if trainer.is_global_zero:
            self.writer.observe(pl_module, self.loader, epoch=trainer.current_epoch + 1, **self.options)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Publish the trace, also of a training that stopped early; not of one that was interrupted."""
        del pl_module
        if trainer.is_global_zero and not trainer.interrupted:
            self.writer.close(early=True)
