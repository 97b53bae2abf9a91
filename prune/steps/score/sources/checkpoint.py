"""A user's checkpoint: what their model says of every sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from prune.core.column_name import EMBEDDING, FEATURES
from prune.core.errors import OptionError
from prune.encoders import weights
from prune.proxy.checkpoint import Checkpoint, run_checkpoint
from prune.proxy.token_cache import OfTokens, Tokens, cache_tokens
from prune.proxy.user_network import UserNetwork, build_model, fit_weights
from prune.steps.dataset_session import Opened
from prune.steps.expected_modality import require_texts, usual_proxy
from prune.steps.proxy_inputs import require_continuous
from prune.steps.rejects import check_rejects
from prune.steps.score.facts import usable_rows
from prune.steps.score.request import ScoreRequest
from prune.steps.score.sources.model import FORM, Model
from prune.steps.score.sources.own_trace import OwnTrace, own_of, require_epochs
from prune.steps.score.unlabelled import require_labels
from prune.steps.space_columns import embedding_name
from prune.store import Column, identity
from prune.system import files

if TYPE_CHECKING:
    from torch import nn


def checked(opened: Opened, wanted: ScoreRequest, model: Model) -> OwnTrace:
    """Look at every sample with a user's model; return what it left, which is not published yet.

    Raises
    ------
    OptionError
        The file holds no plain weights, or not of this model; the model fails, or does not fit the dataset.
    RejectsError
        Samples cannot be used.
    """
    settings, training = opened.settings, wanted.training
    usual = usual_proxy(opened.reader, opened.dataset)
    require_epochs(wanted.methods, 1, "a checkpoint", f"--proxy {usual} trains a proxy")
    built = build_model(model.factory)
    fit_weights(built.model, _state(model.file), model.file)
    inputs, network = _inputs(opened, wanted, built)
    rejects = {**opened.dataset.rejects, **inputs.rejects}
    check_rejects(opened, rejects)
    require_labels(opened, wanted.methods, usable_rows(opened, rejects), trains=False)
    if model.mean is None and training.of_images:
        settings.reporter.say(
            f"{inputs.shape[-1]} pixels a side, normalised by the dataset's own mean and deviation; "
            "--proxy-size, --mean and --std say what the model was trained with"
        )
    made = run_checkpoint(
        opened.store,
        opened.dataset,
        inputs,
        Checkpoint(
            network, {"code": built.code, "weights": files.sha256(Path(model.file))}, model.mean, model.std
        ),
        needs=frozenset(wanted.needs),
        device=settings.torch_device,
        reporter=settings.reporter,
    )
    own = own_of(opened.store, made)
    assert own is not None
    return replace(own, columns={**own.columns, inputs.name: identity(inputs.recipe)})


def _inputs(opened: Opened, wanted: ScoreRequest, built: UserNetwork) -> tuple[Column, nn.Module]:
    """Return what the model looks at, and the model as it is given that."""
    training = wanted.training
    if training.looks_at == EMBEDDING:
        return _embedding(opened, wanted.on), built.model
    if training.of_images:
        return opened.pixels(training.size), built.model
    require_texts(opened.reader, opened.dataset)
    require_continuous(wanted.methods, training)
    if built.tokenizer is None:
        raise OptionError(
            "the samples are texts, and the factory returned a model without a tokenizer",
            "let it return both: return model, tokenizer",
        )
    tokens, reporter = Tokens(built.tokenizer), opened.settings.reporter
    column = cache_tokens(opened.store, opened.reader, opened.dataset, tokens, reporter=reporter)
    return column, OfTokens(built.model, tokens.pad)


def _state(file: str) -> weights.State:
    if not Path(file).is_file():
        raise OptionError(f"there is no file {file}", FORM)
    return weights.read(Path(file))


def _embedding(opened: Opened, on: str | None) -> Column:
    name = embedding_name(opened.store, on)
    if name == FEATURES:
        raise OptionError("the model cannot look at embedding.proxy, which a model makes", "--on resnet18")
    return opened.store.column(name)
