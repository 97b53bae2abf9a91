"""Data never runs code: no pickle, no shell, no script beside the data, no index file from outside."""

from __future__ import annotations

import ast
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pytest
import torch

import prune as package

PIXELS = ("--encoder", "pixels", "--workers", "0")
ROW = "Hostile and broken input", "code in data", "refused", 1
ROOT = Path(package.__file__).parent


class Owned:
    """What makes a folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("owned",)


def objects() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.array([[Owned()]] * 6, dtype=object), allow_pickle=True)
    return sink.getvalue()


def archive() -> bytes:
    sink = io.BytesIO()
    np.savez(sink, features=np.array([[Owned()]] * 6, dtype=object), labels=np.array([Owned()], dtype=object))
    return sink.getvalue()


def checkpoint() -> bytes:
    sink = io.BytesIO()
    torch.save({"state_dict": {"a": Owned()}}, sink)
    return sink.getvalue()


def legacy() -> bytes:
    sink = io.BytesIO()
    torch.save({"a": Owned()}, sink, _use_new_zipfile_serialization=False)
    return sink.getvalue()


def script() -> bytes:
    """A TorchScript archive: it holds code."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as out:
        out.writestr("m/data.pkl", pickle.dumps(Owned()))
        out.writestr("m/code/__torch__.py", "import os\nos.mkdir('owned')\n")
        out.writestr("m/constants.pkl", pickle.dumps(Owned()))
        out.writestr("m/version", "3\n")
    return sink.getvalue()


def index() -> bytes:
    flat = faiss.IndexFlatL2(4)
    flat.add(np.eye(6, 4, dtype=np.float32))
    return faiss.serialize_index(flat).tobytes()


FILES = {
    "pickle": lambda: pickle.dumps(Owned()),
    "objects.npy": objects,
    "objects.npz": archive,
    "checkpoint.pth": checkpoint,
    "legacy.pth": legacy,
    "script.pt": script,
    "pickle.safetensors": lambda: pickle.dumps(Owned()),
    "index.faiss": index,
    "yaml": lambda: b"!!python/object/apply:os.mkdir ['owned']\n",
}
OPTIONS = [
    ["embed", "in", "--features"],
    ["embed", "in", "--encoder", "resnet18", "--weights"],
    ["score", "in", "--type", "el2n", "--model", "torch.nn:Identity", "--checkpoint"],
    ["score", "in", "--import"],
    ["select", "--method", "gio", "--count", "2", "--target"],
    ["select", "--quota", "drop", "--count", "2", "--quota-errors"],
    ["select", "--count", "2", "--given"],
    ["embed", "--as", "arrays"],
    ["embed", "--as", "huggingface"],
    ["embed", "--as", "webdataset"],
]


@pytest.fixture
def embedded(prune: Any, make: Any, elsewhere: Path) -> Path:
    make.folder(elsewhere / "in")
    assert prune("embed", *PIXELS, "in").code == 0
    return elsewhere


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_code_is_refused_wherever_it_is_given(
    name: str, prune: Any, embedded: Path, tally: Any
) -> None:
    place = embedded / name
    for suffix in ("", ".npy", ".npz", ".pth", ".safetensors", ".csv", ".parquet", ".json", ".tar"):
        place.with_name(name + suffix).write_bytes(FILES[name]())
    for words in OPTIONS:
        for suffix in ("", ".npy", ".npz", ".pth", ".safetensors", ".csv", ".parquet", ".json", ".tar"):
            if suffix and suffix not in _FITTING.get(words[-1], ("",)):
                continue
            said = prune(
                *words, place.with_name(name + suffix), *(("--workers", 0) if words[0] != "select" else ())
            )
            assert said.code in {2, 3}, (words, suffix, said.err)
            assert "Traceback" not in said.err
            assert not Path("owned").exists()
            tally(*ROW)


_FITTING = {
    "--features": ("", ".npy", ".parquet"),
    "--weights": ("", ".pth", ".safetensors"),
    "--checkpoint": ("", ".pth"),
    "--import": ("", ".csv", ".parquet"),
    "--target": ("", ".npy", ".npz", ".parquet", ".tar"),
    "--quota-errors": (".npy", ".json"),
    "arrays": (".npy",),
    "huggingface": (".parquet",),
    "webdataset": (".tar",),
}


def test_members_that_other_readers_unpickle_are_not_looked_at(
    prune: Any, make: Any, elsewhere: Path, tally: Any
) -> None:
    more = [
        (f"{i:03d}.{suffix}", data())
        for i, (suffix, data) in enumerate(
            [
                ("pyd", FILES["pickle"]),
                ("pkl", FILES["pickle"]),
                ("pth", checkpoint),
                ("npy", objects),
                ("npz", archive),
            ]
        )
    ]
    make.tar(elsewhere / "in" / "x.tar", sorted([*make.pairs(range(6)), *more]))
    for beside in ("in.py", "x.py", "dataset_infos.py", "__init__.py", "conftest.py"):
        (elsewhere / "in" / beside).write_text("import os\nos.mkdir('owned')\n")
    assert prune("embed", *PIXELS, "in").code == 0
    assert prune("select", "--method", "random", "--fraction", 1).code == 0
    assert prune("export", "--format", "webdataset", "--out", "out").code == 0
    assert not Path("owned").exists()
    tally("Hostile and broken input", "code in data", "read", 1)


@pytest.mark.parametrize(
    "address",
    [
        "pipe:mkdir owned",
        "PIPE:mkdir owned",
        "{pipe:mkdir owned,b}.tar",
        "file:///etc/passwd",
        "http://127.0.0.1:1/x.tar",
        "$(mkdir owned)",
        "`mkdir owned`.tar",
        "x.tar;mkdir owned",
        "|mkdir owned",
    ],
)
def test_a_name_is_no_command(address: str, prune: Any, elsewhere: Path, tally: Any) -> None:
    for words in (["embed", address], ["embed", "--as", "webdataset", address]):
        said = prune(*words)
        assert said.code in {2, 3}, said.err
    assert not list(elsewhere.iterdir())
    tally(*ROW)


def test_an_extension_type_stays_bytes(prune: Any, make: Any, elsewhere: Path, tally: Any) -> None:
    """CVE-2023-47248: a type of pyarrow that unpickled what the schema said."""
    held = make.table()
    about = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Owned()),
    }
    field = pa.field("more", pa.int64(), metadata=about)
    held = held.append_column(field, pa.array(range(6)))
    for root, write in (("p", make.parquet), ("a", make.arrow)):
        write(elsewhere / root, held)
        assert prune("embed", *PIXELS, root, "--store", f"s{root}").code == 0
        assert not Path("owned").exists()
        tally("Hostile and broken input", "code in data", "read", 1)


def calls() -> list[tuple[str, str, ast.Call]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                found.append((path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node))
    return found


def test_nothing_in_the_code_could_run_data() -> None:
    banned = {
        "eval",
        "exec",
        "compile",
        "os.system",
        "os.popen",
        "pickle.load",
        "pickle.loads",
        "yaml.load",
        "marshal.loads",
    }
    banned |= {
        "joblib.load",
        "torch.jit.load",
        "faiss.read_index",
        "tarfile.open",
        "shutil.unpack_archive",
        "load_dataset",
    }
    copied = ("steps/plan/excerpt.py", "tarfile.open")  # members from tar to tar, no file by their names
    for place, name, node in calls():
        given = {word.arg: ast.unparse(word.value) for word in node.keywords}
        assert name not in banned or (place, name) == copied, (place, name)
        assert not name.endswith((".extractall", ".extract")), (place, name)
        assert not name.startswith("subprocess."), (place, name)
        assert "shell" not in given, (place, name)
        assert given.get("allow_pickle", "False") == "False", (place, name)
        assert given.get("trust_remote_code", "False") == "False", (place, name)
        if name == "torch.load":
            assert given.get("weights_only") == "True", place
        if name in {"np.load", "np.lib.format.read_array"}:
            assert given.get("allow_pickle") == "False", place
