"""A machine without a GPU's driver is known by that, and torch is asked about every other."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from prune.steps.settings import Settings
from prune.system import gpu_driver


@pytest.mark.parametrize(
    ("library", "device", "able"),
    [
        ("libno-such-driver.so.1", "/nowhere/kfd", False),
        ("libc.so.6", "/nowhere/kfd", True),
        ("libno-such-driver.so.1", "/dev/null", True),
    ],
)
def test_a_driver_of_either_maker_means_perhaps(
    library: str, device: str, able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(gpu_driver, "CUDA", library)
    monkeypatch.setattr(gpu_driver, "ROCM", device)
    assert gpu_driver.may_have_gpu() is able


@pytest.mark.parametrize(("platform", "able"), [("darwin", False), ("win32", True)])
def test_elsewhere_torch_knows(platform: str, able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delitem(sys.modules, "torch")
    assert gpu_driver.may_have_gpu() is able


def test_the_device_is_what_torch_says_where_there_may_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prune.steps.settings.may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert Settings().torch_device == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Settings().torch_device == "cpu"


def test_where_the_driver_is_looked_for_torch_finds_it() -> None:
    """Whatever machine this is: torch sees no GPU where we say that there is none."""
    code = "from prune.system.gpu_driver import may_have_gpu; print(may_have_gpu())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True" or not torch.cuda.is_available()
