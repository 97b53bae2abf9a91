"""The lines that turn files of arrays and of pickles into .npy files: pictures, and the labels beside them.

Each function takes the file or folder that the user named and the files of this kind in it. It returns what
more there is to say, and the line, with what to name afterwards behind a `#`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prune.readers.foreign.peek import IdxShape, idx_shape
from prune.readers.foreign.shell_lines import beside, bytes_, common, labels_of, run, text, then, word

_READ_NPY = "; prune reads one .npy file, with the labels in another beside it"


def npz(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the largest array of a .npz, and the labels beside it."""
    del place
    return _READ_NPY, _bundle(files[0], f"np.load({text(files[0])})", "d.items()")


def hdf5(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the largest array of an HDF5 file, and the labels beside it."""
    del place
    load = f"import h5py; f = h5py.File({text(files[0])}); d = {{}}; f.visititems({_VISIT})"
    return f"{_READ_NPY}; the line needs h5py", _bundle(files[0], load, "d.items()", ready=True)


_VISIT = 'lambda k, v: d.update({k: v[()]}) if hasattr(v, "shape") else None'


def matlab(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the largest array of a .mat file, its samples first, and the labels beside it."""
    del place
    with files[0].open("rb") as opened:
        newer = opened.read(520)[512:516] == b"\x89HDF"
    if newer:
        load = f"import h5py; f = h5py.File({text(files[0])}); d = {{}}; f.visititems({_VISIT})"
        return f"{_READ_NPY}; the line needs h5py", _bundle(files[0], load, "d.items()", ready=True)
    load = f"import scipy.io; d = scipy.io.loadmat({text(files[0])})"
    return _READ_NPY, _bundle(files[0], load, 'd.items() if k[0] != "_"', ready=True)


def torch_save(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the largest tensor of a file of torch.save, and the labels beside it."""
    del place
    load = f"import torch; t = torch.load({text(files[0])}, weights_only=True, map_location={text('cpu')})"
    load += "; d = t if isinstance(t, dict) else dict(enumerate([t] if torch.is_tensor(t) else t))"
    return _READ_NPY, _bundle(files[0], load, "d.items()", ready=True)


def pickled(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the largest array of a pickle, and the labels beside it."""
    del place
    load = f"import pickle; d = pickle.load(open({text(files[0])}, {text('rb')}))"
    load += "; d = d if isinstance(d, dict) else dict(enumerate(d if isinstance(d, (list, tuple)) else [d]))"
    return _PICKLE, _bundle(files[0], load, "d.items()", ready=True)


_PICKLE = ", which runs what it says when it is opened; only if you trust it"


def cifar(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the pictures and the labels of CIFAR-10 or CIFAR-100."""
    folder = place if place.is_dir() else place.parent
    hundred = any(file.name in {"train", "test"} for file in files)
    test = place.is_file() and place.name.startswith("test")
    names = ["test" if test else "train"] if hundred else ["test_batch" if test else "data_batch_*"]
    found = f"sorted(pathlib.Path({text(folder)}).glob({text(names[0])}))"
    label = f"[v for k, v in x.items() if k in ({bytes_('labels')}, {bytes_('fine_labels')})][0]"
    out = folder / ("test.npy" if test else "train.npy")
    code = (
        f"import numpy as np, pathlib, pickle; "
        f"b = [pickle.load(open(f, {text('rb')}), encoding={text('bytes')}) for f in {found}]; "
        f"np.save({text(out)}, np.concatenate([x[{bytes_('data')}] for x in b]).reshape(-1, 3, 32, 32)); "
        f"np.save({text(labels_of(out))}, np.concatenate([{label} for x in b]))"
    )
    return _PICKLE, then(run(code), out)


def cifar_binary(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the pictures and the labels of the binary batches of CIFAR."""
    folder = place if place.is_dir() else place.parent
    names = sorted(f.name for f in files)
    test = place.is_file() and place.name.startswith("test")
    kept = [name for name in names if name.startswith("test") == test] or names
    width = 3074 if any(name in {"train.bin", "test.bin"} for name in names) else 3073
    out = folder / ("test.npy" if test else "train.npy")
    listed = f"[{', '.join(text(folder / name) for name in kept)}]"
    code = (
        f"import numpy as np; b = np.concatenate([np.fromfile(f, np.uint8) for f in {listed}]); "
        f"b = b.reshape(-1, {width}); np.save({text(out)}, b[:, -3072:].reshape(-1, 3, 32, 32)); "
        f"np.save({text(labels_of(out))}, b[:, -3073])"
    )
    return "", then(run(code), out)


def idx(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the pictures of an idx file of images, and the labels of the one beside it."""
    known = {file: shape for file in beside(place, files) if (shape := idx_shape(file)) is not None}
    pictures = [file for file, shape in known.items() if len(shape.axes) > 1]
    if not pictures:
        return " (labels only, or damaged)", f"ls {word(files[0].parent)}   # the images lie in another file"
    chosen = place if place in pictures else next((p for p in pictures if "train" in p.name), pictures[0])
    labels = [file for file, shape in known.items() if shape.axes == known[chosen].axes[:1]]
    near = sorted(labels, key=lambda file: (-common(file.name, chosen.name), file.name))
    out = chosen.with_name(f"{chosen.name.split('.')[0]}.npy")
    code = f"import gzip, numpy as np; np.save({text(out)}, {_idx_array(chosen, known[chosen])})"
    if near:
        code += f"; np.save({text(labels_of(out))}, {_idx_array(near[0], known[near[0]])})"
    return "", then(run(code), out)


def _idx_array(file: Path, shape: IdxShape) -> str:
    opener = "gzip.open" if shape.zipped else "open"
    rest = ", ".join(map(str, shape.axes[1:]))
    return (
        f"np.frombuffer({opener}({text(file)}, {text('rb')}).read(), np.uint8, "
        f"offset={4 + 4 * len(shape.axes)}).reshape(-1{', ' if rest else ''}{rest})"
    )


def _bundle(file: Path, load: str, items: str, *, ready: bool = False) -> str:
    """Return the line that writes the largest of several arrays, and one that has as many labels."""
    out = file.with_suffix(".npy")
    pairs = items if " if " in items else f"{items} if k is not None"
    code = (
        f"import numpy as np; {load if ready else 'd = ' + load}; "
        f"a = [np.asarray(v) for k, v in {pairs}]; a = [v for v in a if v.ndim and v.dtype.kind in "
        f"{text('buifU')}]; x = max(a, key=lambda v: v.size); "
        "y = [v.reshape(-1) for v in a if v is not x and v.size in (len(x), x.shape[-1])]; "
        "x = np.moveaxis(x, -1, 0) if y and len(y[0]) != len(x) else x; "
        f"np.save({text(out)}, x); [np.save({text(labels_of(out))}, v) for v in y[:1]]"
    )
    return then(run(code), out)
