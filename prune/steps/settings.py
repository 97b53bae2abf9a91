"""Settings of a run, whatever it does: seed, device, workers, what to do about unreadable samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from prune.core.errors import OptionError
from prune.core.progress import SILENT, Reporter, StagesOnly
from prune.system.executors.share import RunShare
from prune.system.gpu_driver import may_have_gpu

READING: Mapping[str, Any] = {  # how a dataset is read, in `Settings.reading`: the type of each
    "as_": str,
    "split": str,
    "label_field": str,
    "image_column": str,
    "text_field": str,
    "template": str,
    "features_column": str,
    "labels": str,
    "no_labels": bool,
    "max_pixels": str | float,
    "holdout": str | float,
    "skip_shards": bool,
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Defaults are those of the library; the command line uses more workers and shows progress."""

    seed: int = 0  # of everything random
    device: Literal["auto", "cpu", "cuda"] = "auto"
    workers: int = 0  # processes that work side by side: decode, encode, write; 0: all in this one
    executor: Literal["processes", "ray"] = "processes"  # what runs parts: processes here, or a cluster
    address: str | None = None  # of the cluster; None: as Ray finds it
    share: RunShare | None = None  # of `embed`: which parts this run makes, where several make a share each
    on_error: Literal["fail", "skip"] = "fail"  # what unreadable samples do to the command
    max_bad: float = 0.01  # fraction of unreadable samples that `skip` tolerates
    unlabelled: Literal["skip", "keep"] | None = None  # what becomes of samples without a label; None: stop
    wait: bool = False  # for another process that writes to the store, instead of failing
    memory: int | None = None  # bytes that a search may use beyond the columns; default: half of what is free
    refresh: bool = False  # start over when the dataset changed, instead of failing
    reading: Mapping[str, Any] = field(default_factory=dict)  # as_, split, label_field, labels, holdout, …
    reporter: Reporter = SILENT

    def __post_init__(self) -> None:
        if self.device not in {"auto", "cpu", "cuda"}:
            raise OptionError(f"--device {self.device} is not auto, cpu or cuda")
        if self.executor not in {"processes", "ray"}:
            raise OptionError(f"--executor {self.executor} is not processes or ray")
        if self.address is not None and self.executor != "ray":
            raise OptionError(f"--address {self.address} is of a Ray cluster", "add --executor ray")
        if self.on_error not in {"fail", "skip"}:
            raise OptionError(f"--on-error {self.on_error} is not fail or skip")
        if self.unlabelled not in {None, "skip", "keep"}:
            raise OptionError(f"--unlabelled {self.unlabelled} is not skip or keep")
        if not 0 <= self.max_bad <= 1:
            raise OptionError(f"--max-bad must be from 0 to 1, not {self.max_bad}")
        if not 0 <= self.seed < 2**63:
            raise OptionError(f"--seed must be from 0 to 2^63 - 1, not {self.seed}")
        if self.memory is not None and self.memory < 2**26:
            raise OptionError(f"memory of {self.memory} bytes is less than 64 MiB")
        if self.workers < 0:
            raise OptionError(f"--workers must be at least 0, not {self.workers}")

    @property
    def stages_only(self) -> Settings:
        """These settings, with nothing said but progress."""
        return replace(self, reporter=StagesOnly(self.reporter))

    @property
    def memory_limit(self) -> int:
        """Bytes that a search may use beyond the columns."""
        from prune.system.memory import default_memory

        return default_memory() if self.memory is None else self.memory

    @property
    def torch_device(self) -> str:
        """`cpu` or `cuda`.

        Raises
        ------
        OptionError
            `cuda` was asked for and there is none.
        """
        if self.device == "cpu" or (self.device == "auto" and not may_have_gpu()):
            return "cpu"
        import torch

        if torch.cuda.is_available():
            return "cuda"
        if self.device == "cuda":
            raise OptionError("--device cuda, but torch sees no CUDA device", "use --device cpu")
        return "cpu"


DEFAULTS = Settings()
