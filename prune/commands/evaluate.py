"""`prune evaluate`: does a selection train as well as random, and as everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from prune.commands import completion as c
from prune.commands import options as o
from prune.commands.console import finish, noting
from prune.commands.run_settings import run_settings
from prune.core import method_names


def evaluate(
    data: o.Data = None,
    test: Annotated[
        str | None,
        o.option(
            "DATA|SPLIT",
            "What to test on: a dataset, a split of DATA or a store; default: what is held out.",
            o.READ,
        ),
    ] = None,
    test_split: Annotated[str | None, o.option("NAME", "Which split of another dataset.", o.READ)] = None,
    test_labels: Annotated[Path | None, o.option("FILE", "Labels of another dataset.", o.READ)] = None,
    select: Annotated[
        list[str] | None,
        o.option(
            "SPEC",
            "METHOD[:SCORE][,NAME=VALUE…], a chain of them with >, or a selection there is; may be repeated. "
            "Default: the latest selection.",
            o.KEEP,
            complete=c.choices(method_names.SELECTORS),
        ),
    ] = None,
    fraction: Annotated[
        list[str] | None, o.option("F[,F…]", "Fractions kept, each over 0 and below 1.", o.KEEP)
    ] = None,
    seeds: Annotated[
        int | None,
        o.option(
            "N",
            "Trainings of every set; more of them later add to these. Default: 3; 5 with --choose.",
            o.HOW,
            show_default=False,
        ),
    ] = None,
    choose: Annotated[
        bool,
        o.option(
            None,
            "Of a few selections, or those of --select, take what is better than random; else random.",
            o.KEEP,
            "--choose",
        ),
    ] = False,
    steps: Annotated[
        int | None,
        o.option(
            "N",
            "Equal steps: every set is trained for N. Default: as many as 10 epochs of everything have.",
            o.HOW,
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None, o.option("N", "Equal epochs: every set is trained for N of its own.", o.HOW)
    ] = None,
    model: Annotated[
        str | None,
        o.option(
            "NAME",
            "What is trained: resnet8, resnet9, resnet20, lenet, mlp, a torchvision model; ngram for "
            "texts; linear on an embedding. Default: resnet8, of texts ngram, of features linear.",
            o.MODEL_TRAINED,
            complete=c.choices(method_names.PROXIES),
            show_default=False,
        ),
    ] = None,
    on: Annotated[
        str | None, o.option("NAME", "The embedding of --model linear.", o.MODEL_TRAINED, complete=c.spaces)
    ] = None,
    size: Annotated[
        int | None,
        o.option("N", "Pixels a side. Default: as the proxy, else 32.", o.MODEL_TRAINED, show_default=False),
    ] = None,
    batch: Annotated[
        int | None,
        o.option("N", "Samples a step. Default: the network's.", o.MODEL_TRAINED, show_default=False),
    ] = None,
    lr: Annotated[float | None, o.option("X", "Peak learning rate.", o.MODEL_TRAINED)] = None,
    flip: Annotated[
        bool | None,
        o.option(
            None,
            "Mirror images. Default: as the proxy.",
            o.MODEL_TRAINED,
            "--flip/--no-flip",
            show_default=False,
        ),
    ] = None,
    probe: Annotated[
        bool,
        o.option(
            None,
            "Fit a linear probe to the embedding --on instead: seconds, but kind to methods that cover it.",
            o.MODEL_TRAINED,
            "--probe",
        ),
    ] = False,
    label_noise: Annotated[
        float | None,
        o.option("F", "Train on labels of which this part is wrong.", o.MODEL_TRAINED),
    ] = None,
    out: Annotated[Path | None, o.option("FILE", "Every training as a row: .parquet or .csv.", o.OUT)] = None,
    plot: Annotated[
        Path | None, o.option("FILE", "Accuracy against the fraction kept: .png, .svg or .pdf.", o.OUT)
    ] = None,
    show: Annotated[
        bool,
        o.option(
            None,
            "Show all that was evaluated so far, with --out and --plot too; train nothing.",
            o.RUN,
            "--show",
        ),
    ] = False,
    dry_run: Annotated[bool, o.option(None, "Say what it would cost, and stop.", o.RUN, "--dry-run")] = False,
    max_memory: Annotated[
        str | None, o.option("SIZE", "Such as 4G, for choosing; default: half of what is free.", o.RUN)
    ] = None,
    workers: o.Workers = None,
    on_error: o.ErrorMode = o.OnError.fail,
    max_bad: o.MaxBad = 0.01,
    wait: o.Wait = False,
    store: o.StorePath = o.STORE,
    seed: o.Seed = 0,
    device: o.DeviceName = o.DeviceChoice.auto,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a target on selections, on random sets of the same size and on everything, and compare them."""
    from prune import pipeline
    from prune.commands.evaluate_report import table_lines

    if show:
        _show(locals())
        return
    settings = run_settings(locals())
    result = pipeline.evaluate(
        store,
        data,
        test=test,
        test_split=test_split,
        test_labels=None if test_labels is None else str(test_labels),
        select=select or (),
        fractions=fraction or (),
        seeds=seeds,
        choose=choose,
        steps=steps,
        epochs=epochs,
        model=model,
        on=on,
        size=size,
        batch=batch,
        peak_lr=lr,
        flip=flip,
        probe=probe,
        label_noise=label_noise,
        out=out,
        plot=plot,
        dry_run=dry_run,
        settings=settings,
    )
    lines: list[str] = [] if dry_run else table_lines(result)
    finish(result, noting(result, "every cell is there already", lines), as_json=json, quiet=quiet)


_OF_A_TRAINING = (
    *("test", "test_split", "test_labels", "select", "fraction", "seeds", "choose", "steps", "epochs"),
    *("model", "on", "size", "batch", "lr", "flip", "probe", "label_noise", "dry_run", "max_memory"),
)
_SWITCHES = {"choose", "probe", "dry_run"}


def _show(typed: Mapping[str, Any]) -> None:
    """Show all that was evaluated; what says how something is trained has no place beside it."""
    from prune.commands.evaluate_report import shown_lines
    from prune.core.errors import OptionError
    from prune.steps.evaluate.shown import shown

    for name in _OF_A_TRAINING:
        if typed[name] not in ([], False if name in _SWITCHES else None):
            word = f"--{name.replace('_', '-')}"
            raise OptionError(
                f"--show shows all evaluations, and {word} is of a new one", f"leave {word} out"
            )
    held = shown(typed["store"], out=typed["out"], plot=typed["plot"])
    finish(held, shown_lines(held), as_json=typed["json"], quiet=typed["quiet"])
