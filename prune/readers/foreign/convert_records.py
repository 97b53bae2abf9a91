"""The lines that write the images of record formats (TFRecord, FFCV, MDS, LMDB, RecordIO) as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prune.readers.foreign.peek import columns_of_mds, fields_of_tfrecord
from prune.readers.foreign.shell_lines import folder_of, labels_of, run, text, then

_FEW = 9  # files that are named one by one


def tfrecord(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the images of TFRecord files into class folders."""
    image, label = fields_of_tfrecord(files[0])
    out = folder_of(place)
    code = (
        f"import tensorflow as tf, pathlib; o = pathlib.Path({text(out)}); "
        f"v = lambda f: (f.bytes_list.value or f.int64_list.value)[0]; "
        f"s = lambda x: x.decode() if isinstance(x, bytes) else str(x); "
        f"d = tf.data.TFRecordDataset([{', '.join(text(file) for file in files[:_FEW])}]); "
        f"[(p.mkdir(parents=True, exist_ok=True), (p / {_F}.write_bytes(v(e[{text(image)}]))) "
        f"for i, r in enumerate(d) for e in [tf.train.Example.FromString(r.numpy()).features.feature] "
        f"for p in [o / s(v(e[{text(label)}]))]]"
    )
    return "; the line needs tensorflow", then(run(code), out)


_F = 'f"{i:08d}.jpg")'


def ffcv(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the pictures and labels of a .beton file."""
    del place
    out = files[0].with_suffix(".npy")
    code = (
        "import numpy as np; from ffcv.loader import Loader; "
        "from ffcv.fields.decoders import CenterCropRGBImageDecoder, IntDecoder; "
        f"l = Loader({text(files[0])}, batch_size=256, os_cache=False, pipelines={{"
        f'"image": [CenterCropRGBImageDecoder((224, 224), 1)], "label": [IntDecoder()]}}); '
        "x, y = zip(*((a.copy(), b.copy()) for a, b in l)); "
        f"np.save({text(out)}, np.concatenate(x)); np.save({text(labels_of(out))}, np.concatenate(y).ravel())"
    )
    return "; the line needs ffcv", then(run(code), out)


def mds(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the samples of an MDS folder into class folders."""
    folder = files[0].parent
    image, label = columns_of_mds(folder / "index.json")
    out = folder_of(place if place.is_dir() else folder)
    code = (
        f"import pathlib; from streaming import LocalDataset; o = pathlib.Path({text(out)}); "
        f"[(p.mkdir(parents=True, exist_ok=True), s[{text(image)}].save(p / {_F.replace('jpg', 'png')}) "
        f"for i, s in enumerate(LocalDataset({text(folder)})) for p in [o / str(s[{text(label)}])]]"
    )
    return "; the line needs mosaicml-streaming", then(run(code), out)


def lmdb(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the values of an LMDB database that are images into a folder."""
    file = files[0]
    inside = file.name == "data.mdb" or file.name == "lock.mdb"
    at = file.parent if inside else file
    out = folder_of(at if inside else place if place.is_dir() else file.with_suffix(""))
    code = (
        f"import lmdb, pathlib; o = pathlib.Path({text(out)}); o.mkdir(exist_ok=True); "
        f"t = lmdb.open({text(at)}, subdir={inside}, readonly=True, lock=False).begin(); "
        f"[(o / {_F}.write_bytes(v) for i, (k, v) in enumerate(t.cursor()) "
        'if v[:2] == b"\\xff\\xd8" or v[:4] == b"\\x89PNG"]'
    )
    return "; the line takes the values that are JPEG or PNG, and needs lmdb", then(run(code), out)


def recordio(place: Path, files: Sequence[Path]) -> tuple[str, str]:
    """Write the images of a RecordIO file into class folders."""
    del place
    out = files[0].with_suffix("")
    size = "int.from_bytes(h[4:], {}) & 0x1fffffff".format(text("little"))
    code = (
        f"import pathlib, struct; o = pathlib.Path({text(out)}); f = open({text(files[0])}, {text('rb')}); "
        f"[(p.mkdir(parents=True, exist_ok=True), (p / {_F}.write_bytes(r[24 + 4 * k:])) "
        f'for i, h in enumerate(iter(lambda: f.read(8), b"")) for n in [{size}] '
        "for r in [f.read(-(-n // 4) * 4)[:n]] for k, y in [struct.unpack_from("
        f'{text("<If")}, r)] if len(r) > 24 + 4 * k for p in [o / f"{{y:g}}"]]'
    )
    return "", then(run(code), out)
