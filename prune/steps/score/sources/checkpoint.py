"""A user's checkpoint: from the words of the command to what their model says of every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from prune.core.arrays import Rows
from prune.core.column_name import FEATURES
from prune.core.errors import OptionError
from prune.encoders import weights
from prune.proxy import Training, cache_images
from prune.proxy.checkpoint import Checkpoint, run_checkpoint
from prune.proxy.user_network import build_model, fit_weights
from prune.steps.dataset_session import Opened, require_images
from prune.steps.rejects import check_rejects
from prune.steps.score.score_request import ScoreRequest
from prune.steps.score.sources.own_trace import OwnTrace, own_of, require_epochs
from prune.steps.score.unlabelled import require_labels
from prune.steps.space_columns import embedding_name
from prune.store import Column, identity
from prune.system import files

_FORM = "--checkpoint FILE --model module:factory"


@dataclass(frozen=True)
class Model:
    """What `--checkpoint`, `--model`, `--mean` and `--std` say."""

    file: str
    factory: str
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @classmethod
    def of(
        cls,
        file: str | None = None,
        factory: str | None = None,
        mean: str | None = None,
        std: str | None = None,
    ) -> Model | None:
        """Check what was asked; None where no model is named.

        Raises
        ------
        OptionError
            One of the options wants another one, or is not a number or three.
        """
        given = {"--model": factory, "--mean": mean, "--std": std}
        if file is None:
            for option, value in given.items():
                if value is not None:
                    raise OptionError(f"{option} {value} belongs to a checkpoint", _FORM)
            return None
        if factory is None:
            raise OptionError(f"--checkpoint {file} wants --model, which makes the network", _FORM)
        deviation = _numbers("--std", std)
        if deviation is not None and min(deviation) <= 0:
            raise OptionError(f"--std {std} is not over 0", "--std 0.229,0.224,0.225")
        return cls(file, factory, _numbers("--mean", mean), deviation)


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(float(word) for word in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in {1, 3} or not np.isfinite(numbers).all():
        raise OptionError(
            f"{option} {text} is not a number, or three", f"of pixels from 0 to 1: {option} 0.485,0.456,0.406"
        )
    return numbers


def checked(
    opened: Opened, wanted: ScoreRequest, model: Model, training: Training, on: str | None
) -> OwnTrace:
    """Look at every sample with a user's model; return what it left, which is not published yet.

    Raises
    ------
    OptionError
        The file holds no plain weights, or not of this model; the model fails, or does not fit the dataset.
    RejectsError
        Samples cannot be used.
    """
    settings = opened.settings
    require_epochs(wanted.methods, 1, "a checkpoint")
    network, code = build_model(model.factory)
    fit_weights(network, _state(model.file), model.file)
    inputs = images_of(opened, training.size) if training.of_images else _embedding(opened, on)
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
        Checkpoint(network, {"code": code, "weights": files.sha256(Path(model.file))}, model.mean, model.std),
        needs=frozenset(wanted.needs),
        device=settings.torch_device,
        reporter=settings.reporter,
    )
    own = own_of(opened.store, made)
    assert own is not None
    return replace(own, columns={**own.columns, inputs.name: identity(inputs.recipe)})


def images_of(opened: Opened, size: int) -> Column:
    """Return the images that a model looks at, decoded once."""
    require_images(opened)
    settings = opened.settings
    return cache_images(
        opened.store,
        opened.images,
        opened.dataset,
        size,
        workers=settings.workers,
        reporter=settings.reporter,
    )


def _state(file: str) -> weights.State:
    if not Path(file).is_file():
        raise OptionError(f"there is no file {file}", _FORM)
    return weights.read(Path(file))


def _embedding(opened: Opened, on: str | None) -> Column:
    name = embedding_name(opened.store, on)
    if name == FEATURES:
        raise OptionError("the model cannot look at embedding.proxy, which a model makes", "--on resnet18")
    return opened.store.column(name)


def usable_rows(opened: Opened, rejects: Mapping[int, str]) -> Rows:
    """Return the rows that were not rejected, and are not held out."""
    return np.setdiff1d(opened.dataset.usable, np.array(sorted(rejects), np.int64))
