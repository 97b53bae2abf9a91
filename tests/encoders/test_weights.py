"""Weights come from a file or a download, run no code, and fit or are refused by name."""

import hashlib
import pickle
import re
from collections import OrderedDict

import numpy as np
import pytest
import safetensors.torch
import torch
from torchvision import models

from prune.core.errors import OptionError
from prune.encoders import open_encoder
from prune.encoders.weights import digest, load, read

NAME = "squeezenet1_1"  # 2.9 MB


def network(name=NAME, classes=1000, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(seed)
        return models.get_model(name, weights=None, num_classes=classes)


@pytest.fixture(scope="module")
def state():
    return network().state_dict()


def digest_with(weights, name=NAME):
    return open_encoder(name, weights=str(weights)).identity["weights"]


@pytest.fixture
def plain(tmp_path, state):
    torch.save(state, tmp_path / "plain.pth")
    return tmp_path / "plain.pth"


def test_safetensors_and_plain_state_dicts_are_the_same_weights(tmp_path, plain, state):
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    assert digest_with(tmp_path / "w.safetensors") == digest_with(plain)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": dict(state)},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {key: value for key, value in state.items() if not key.startswith("classifier")},
    ],
)
def test_what_training_scripts_wrap_around_a_state_dict_is_taken_off(tmp_path, plain, state, wrap):
    torch.save(wrap(state), tmp_path / "wrapped.pt")
    assert digest_with(tmp_path / "wrapped.pt") == digest_with(plain)


def test_a_head_of_other_classes_is_left_out(tmp_path):
    torch.save(network("shufflenet_v2_x0_5", classes=10).state_dict(), tmp_path / "ten.pth")
    encoder = open_encoder("shufflenet_v2_x0_5", weights=str(tmp_path / "ten.pth"))
    assert encoder.encode(np.zeros((1, 3, 224, 224), np.uint8)).shape == (1, 1024)


def test_networks_whose_format_changed_load_from_bare_tensors(tmp_path):
    state = dict(network("mnasnet0_5").state_dict())  # its loader wants a version, which safetensors lose
    safetensors.torch.save_file(state, tmp_path / "mnasnet.safetensors")
    digest_with(tmp_path / "mnasnet.safetensors", "mnasnet0_5")
    old = {
        re.sub(r"(denselayer\d+\.(norm|conv))([12])\.", r"\1.\3.", key): value
        for key, value in network("densenet121").state_dict().items()
    }
    assert any("denselayer1.norm.1." in key for key in old)
    torch.save(old, tmp_path / "densenet.pth")
    digest_with(tmp_path / "densenet.pth", "densenet121")


def test_the_counter_of_batch_norm_may_be_missing(tmp_path):
    state = network("shufflenet_v2_x0_5").state_dict()
    lean = OrderedDict((k, v) for k, v in state.items() if not k.endswith("num_batches_tracked"))
    torch.save(lean, tmp_path / "lean.pth")
    torch.save(state, tmp_path / "whole.pth")
    name = "shufflenet_v2_x0_5"
    assert digest_with(tmp_path / "lean.pth", name) == digest_with(tmp_path / "whole.pth", name)


def test_weights_of_another_network_are_refused_with_the_first_names(plain):
    with pytest.raises(
        OptionError, match=r"not of shufflenet_v2_x0_5: no \d+ keys \('conv1.0.weight', .*extra"
    ):
        open_encoder("shufflenet_v2_x0_5", weights=str(plain))


def test_weights_of_another_width_are_refused_with_the_shapes(tmp_path):
    torch.save(network("shufflenet_v2_x1_0").state_dict(), tmp_path / "w.pth")
    with pytest.raises(OptionError, match=r"of another shape, \(58, 24, 1, 1\) for \(24, 24, 1, 1\)"):
        open_encoder("shufflenet_v2_x0_5", weights=str(tmp_path / "w.pth"))


class Bomb:
    """A pickle that would run code."""

    def __reduce__(self):
        return (pytest.fail, ("code ran",))


def test_a_pickle_that_needs_code_is_refused_and_does_not_run(tmp_path):
    torch.save({"weight": Bomb()}, tmp_path / "w.pth")
    with pytest.raises(OptionError, match="is not a plain state dict") as caught:
        read(tmp_path / "w.pth")
    assert "safetensors" in caught.value.hint
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(OptionError):
        read(tmp_path / "raw.pth")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x02", b"PK\x03\x04", b"\xff" * 64])
def test_a_file_that_is_no_weights_is_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OptionError, match=r"cannot be read as weights|not a plain state dict"):
        read(tmp_path / name)


def test_a_file_cut_short_is_one_sentence(plain):
    plain.write_bytes(plain.read_bytes()[:10_000])
    with pytest.raises(OptionError, match="cannot be read as weights"):
        read(plain)


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, {3: torch.ones(1)}, torch.ones(2)])
def test_a_file_without_a_state_dict_is_one_sentence(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(OptionError, match="holds no state dict"):
        read(tmp_path / "w.pth")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OptionError, match=r"there is no file .*none\.pth"):
        read(tmp_path / "none.pth")


def test_without_weights_the_error_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(OptionError, match="encoder resnet18 has no weights on this machine") as caught:
        open_encoder("resnet18")
    assert caught.value.hint == "add --weights FILE, or --weights default to download them"


def test_what_an_earlier_download_left_is_used(tmp_path, monkeypatch, plain):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    left = tmp_path / "hub" / "checkpoints" / models.get_model_weights(NAME).DEFAULT.url.rpartition("/")[2]
    left.parent.mkdir(parents=True)
    plain.rename(left)
    assert open_encoder(NAME).identity["weights"] == digest_with(left)


def test_a_download_is_checked_against_its_digest_and_kept(tmp_path, monkeypatch, plain, state):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    good = plain.with_name(f"w-{hashlib.sha256(plain.read_bytes()).hexdigest()[:8]}.pth")
    plain.rename(good)
    assert set(load(NAME, "default", good.as_uri())) == set(state)
    uri = good.as_uri()
    good.unlink()
    assert set(load(NAME, None, uri)) == set(state)
    bad = plain.with_name("w-00000000.pth")
    torch.save(state, bad)
    with pytest.raises(OptionError, match="cannot be downloaded: invalid hash value"):
        load(NAME, "default", bad.as_uri())
    assert not (tmp_path / "home" / "hub" / "checkpoints" / bad.name).exists()


def test_a_failed_download_says_what_to_do_instead(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    with pytest.raises(OptionError, match="the weights of resnet18 cannot be downloaded") as caught:
        load("resnet18", "default", (tmp_path / "gone.pth").as_uri())
    assert "--weights FILE" in caught.value.hint


def test_the_digest_sees_every_tensor(state):
    module = network()
    before = digest(module)
    with torch.no_grad():
        next(module.parameters()).view(-1)[0] += 1e-3
    assert digest(module) != before == digest(network())
