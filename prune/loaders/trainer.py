"""The samplers in a Hugging Face Trainer: its own extension points, and a loss that knows the weights."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from prune.loaders.row_sampler import RowSampler
from prune.loaders.weighted_dataset import WEIGHT, weighted
from prune.proxy.models import logits_of

_LABELS = "labels"
_STATE = "sampler.pt"  # in a checkpoint


def _base() -> Any:
    if importlib.util.find_spec("transformers") is None:
        raise ImportError(
            "prune.loaders.trainer needs transformers, which is not installed: pip install transformers"
        )
    return importlib.import_module("transformers").Trainer


class SampledTrainer(_base()):  # type: ignore[misc] # known when it runs
    """A Trainer whose training samples come from a sampler, and weigh what it says.

        sampler = AdaptiveSampler(model, dataset, fraction=0.1, epochs=20)
        SampledTrainer(model, arguments, train_dataset=dataset, sampler=sampler).train()

    The loss is the mean over a batch of weight times cross-entropy of `labels`; for another one override
    `losses`. Evaluation is the Trainer's own. Its checkpoints hold the sampler's state, too: what was chosen,
    and the losses that were observed; of a training that goes on the Trainer skips what it has had. Where
    epochs differ in length, that is with a warm start, say `max_steps`: the Trainer counts the steps of the
    first epoch.

    Parameters
    ----------
    sampler
        Any of `prune.loaders`; leave rank and world, the Trainer shards the loader itself.
    words, options
        As `transformers.Trainer` takes them.
    """

    args: Any
    train_dataset: Any
    _signature_columns: Any

    def __init__(self, *words: Any, sampler: RowSampler, **options: Any) -> None:
        super().__init__(*words, **options)
        self.row_sampler = sampler
        self.train_dataset = weighted(self.train_dataset)
        self.model_accepts_loss_kwargs = False  # so that steps that accumulate divide the mean of each

    def losses(self, outputs: Any, labels: Any) -> Any:
        """Return the loss of each sample, (b,)."""
        return cross_entropy(logits_of(outputs), labels, reduction="none")

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **more: Any
    ) -> Any:
        """Return the mean of the weighted losses; without weights, in an evaluation, the Trainer's own."""
        if WEIGHT not in inputs:
            return super().compute_loss(model, inputs, return_outputs=return_outputs, **more)
        rest = {name: value for name, value in inputs.items() if name not in {WEIGHT, _LABELS}}
        outputs = model(**rest)
        loss = (self.losses(outputs, inputs[_LABELS]) * inputs[WEIGHT]).mean()
        return (loss, outputs) if return_outputs else loss

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.args.should_save:  # of this epoch from its beginning: the Trainer itself skips what was had
            torch.save(self.row_sampler.state_dict(taken=0), Path(output_dir) / _STATE)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None and (kept := Path(checkpoint) / _STATE).exists():
            self.row_sampler.load_state_dict(torch.load(kept, weights_only=True))

    def _get_train_sampler(self, train_dataset: Any = None) -> RowSampler:
        del train_dataset
        return self.row_sampler

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        for name in (WEIGHT, _LABELS):  # else the Trainer takes it for a column of no use
            if name not in self._signature_columns:
                self._signature_columns = [*self._signature_columns, name]
