"""The trace of a Hugging Face Trainer: one callback that looks at every sample after each epoch."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from typing import Any

from prune.trace.writer import TraceWriter


def _base() -> Any:
    if importlib.util.find_spec("transformers") is None:
        raise ImportError(
            "prune.trace.huggingface needs transformers, which is not installed: pip install transformers"
        )
    return importlib.import_module("transformers").TrainerCallback


class TraceCallback(_base()):  # type: ignore[misc] # known when it runs
    """Observes the model after each epoch, and closes the trace when the training ends.

        writer = TraceWriter(".prune", epochs=3)
        Trainer(…, callbacks=[TraceCallback(writer, loader)]).train()

    A training that goes on from a checkpoint wants `TraceWriter(…, resume=True)`. With several processes the
    first one writes.

    Parameters
    ----------
    loader
        Every sample once, without augmentation: mappings with what the model takes, `labels`, and `key` or
        `row`.
    options
        Of `TraceWriter.observe`: head, unpack, device.
    """

    def __init__(self, writer: TraceWriter, loader: Iterable[Any], **options: Any) -> None:
        self.writer, self.loader, self.options = writer, loader, options

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Look at every sample."""
        del args, control
        if state.is_world_process_zero:
            self.writer.observe(more["model"], self.loader, epoch=round(state.epoch), **self.options)

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Publish the trace, also of a training that stopped early."""
        del args, control, more
        if state.is_world_process_zero:
            self.writer.close(early=True)
