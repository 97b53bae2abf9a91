from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prune.core.errors import DataError
from prune.readers.hashing_file import READ, HashingFile
from prune.readers.tar.members import BLOCK, Member, members

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}

names = st.lists(
    st.text(st.sampled_from("abé.-_ 日\U0001f600"), min_size=1, max_size=60).filter(
        lambda part: part.strip(".") != ""
    ),
    min_size=1,
    max_size=6,
).map("/".join)
payloads = st.integers(0, 1600).map(lambda size: bytes(range(256)) * 7 if size == 1600 else b"x" * size)


def packed(entries: list[tuple[str, bytes]], kind: int = tarfile.USTAR_FORMAT, mtime: float = 0) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=kind) as tar:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), mtime
            tar.addfile(info, io.BytesIO(data))
    return sink.getvalue()


def walked(path: Path, data: bytes) -> list[Member]:
    path.write_bytes(data)
    with HashingFile(path) as source:
        return list(members(source))


def outcome(path: Path, data: bytes) -> list[Member] | str:
    try:
        return walked(path, data)
    except DataError as error:
        return str(error)


def places(found: list[Member]) -> list[tuple[str, int, int, int]]:
    return [(m.name, m.offset, m.data, m.size) for m in found]


def by_tarfile(data: bytes) -> list[tuple[str, int, int, int]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(m.name, m.offset, m.offset_data, m.size) for m in tar]


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(st.tuples(names, payloads), max_size=6), mtime=st.sampled_from([0, 1.5]))
def test_finds_members_where_tarfile_finds_them(tmp_path, kind, entries, mtime):
    if kind == tarfile.USTAR_FORMAT:
        entries = [(name, data) for name, data in entries if len(name.encode()) <= 100]
    data = packed(entries, kind, mtime)
    found = walked(tmp_path / "a.tar", data)
    assert places(found) == by_tarfile(data)
    assert [data[m.data : m.data + m.size] for m in found] == [payload for _, payload in entries]
    assert [m.offset for m in found[1:]] == [m.end for m in found[:-1]]


def test_reads_a_ustar_prefix(tmp_path):
    name = "folder/" * 20 + "a.jpg"
    data = packed([(name, b"x")])
    assert places(walked(tmp_path / "a.tar", data)) == by_tarfile(data) == [(name, 0, 512, 1)]


def test_reads_sizes_in_base_256(tmp_path):
    data = bytearray(packed([("a.jpg", b"x" * 700), ("b.jpg", b"y")]))
    data[124:136] = b"\x80" + (700).to_bytes(11, "big")
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:BLOCK])
    assert places(walked(tmp_path / "a.tar", bytes(data))) == by_tarfile(bytes(data))


def test_a_pax_size_goes_before_the_size_of_the_header(tmp_path):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("a.jpg")
        info.size, info.pax_headers = 5, {"size": "5", "comment": "a\nb"}
        tar.addfile(info, io.BytesIO(b"12345"))
    data = bytearray(sink.getvalue())
    header = slice(1024, 1024 + BLOCK)
    block = bytearray(data[header])
    block[124:136] = b"%011o\0" % 0
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    data[header] = block
    assert (
        places(walked(tmp_path / "a.tar", bytes(data))) == [("a.jpg", 0, 1536, 5)] == by_tarfile(bytes(data))
    )


def test_a_global_header_belongs_to_no_member(tmp_path):
    sink = io.BytesIO()
    kind = tarfile.PAX_FORMAT
    with tarfile.open(fileobj=sink, mode="w", format=kind, pax_headers={"comment": "c"}) as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"))
    assert places(walked(tmp_path / "a.tar", sink.getvalue())) == [("a.jpg", 1024, 1536, 0)]


def test_a_global_header_that_names_members_is_refused(tmp_path):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "p"}) as tar:
        tar.addfile(tarfile.TarInfo("a.jpg"))
    with pytest.raises(DataError, match="global header that sets the path of every member"):
        walked(tmp_path / "a.tar", sink.getvalue())


def test_links_devices_and_folders_have_their_kind(tmp_path):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE):
            info = tarfile.TarInfo(f"a.{ord(kind)}")
            info.type, info.linkname = kind, "b" * 120
            tar.addfile(info)
    found = walked(tmp_path / "a.tar", sink.getvalue())
    assert [m.kind for m in found] == ["other"] * 4 + ["folder"]
    assert [m.offset for m in found] == [place[1] for place in by_tarfile(sink.getvalue())]


def test_a_sparse_file_is_passed_over_whole(tmp_path):
    data = bytearray(packed([("s.jpg", b"x" * 600), ("b.jpg", b"y")]))
    data[156:157] = b"S"
    data[386:482] = (b"%011o\0" % 0 + b"%011o\0" % 600) + bytes(72)
    data[483:495] = b"%011o\0" % 600
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:BLOCK])
    found = walked(tmp_path / "a.tar", bytes(data))
    assert [(m.name, m.kind) for m in found] == [("s.jpg", "other"), ("b.jpg", "file")]
    assert found[1].offset == by_tarfile(bytes(data))[1][1]


SMALL = [("a.jpg", b"j" * 700), ("a.cls", b"1"), ("b.jpg", b""), ("b.cls", b"2")]


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
def test_every_cut_before_the_end_of_the_archive_is_found(tmp_path, kind):
    data = packed(SMALL, kind, mtime=1.5)
    whole = walked(tmp_path / "a.tar", data)
    end = whole[-1].end + 2 * BLOCK
    for cut in [*range(0, len(data), BLOCK), end - 1, end - BLOCK - 1, 1, 700]:
        if cut >= end:
            assert walked(tmp_path / "a.tar", data[:cut]) == whole
        else:
            with pytest.raises(DataError, match=rf"(?m)truncated or damaged after byte \d+ of {cut}$"):
                walked(tmp_path / "a.tar", data[:cut])


def test_every_flipped_bit_of_a_header_is_found_or_changes_nothing(tmp_path):
    data = packed(SMALL[:2])
    whole = walked(tmp_path / "a.tar", data)
    harmless = []
    for header in (whole[0].offset, whole[1].offset):
        for byte in range(BLOCK):
            flipped = bytearray(data)
            flipped[header + byte] ^= 1 << (byte % 8)
            found = outcome(tmp_path / "a.tar", flipped)
            if found == whole:
                harmless.append(byte)
            else:
                assert f"damaged after byte {header} of {len(data)}" in found
    assert set(harmless) <= set(range(148, 156))  # another way to write the same checksum
    assert len(harmless) <= 4


@pytest.mark.parametrize("kind", FORMATS.values(), ids=FORMATS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mangled_file_ends_in_members_or_in_one_sentence(tmp_path, kind, data):
    content = bytearray(packed([("long" * 40 + ".jpg" if kind else "a.jpg", b"x" * 600)], kind, mtime=1.5))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = outcome(tmp_path / "a.tar", bytes(content))
    assert isinstance(found, list) or any(word in found for word in ("damaged", "compressed", "global"))


def test_data_after_the_end_of_the_archive_is_damage(tmp_path):
    data = packed(SMALL)
    with pytest.raises(DataError, match="damaged after byte"):
        walked(tmp_path / "a.tar", data + b"x")
    with pytest.raises(DataError, match="damaged after byte"):
        walked(tmp_path / "a.tar", data + data)


def test_an_archive_of_nothing_has_no_members(tmp_path):
    assert walked(tmp_path / "a.tar", bytes(1024)) == walked(tmp_path / "a.tar", bytes(10240)) == []


@pytest.mark.parametrize("data", [b"", b"\0", bytes(512), b"no tar at all" * 100])
def test_what_is_no_archive_is_damaged_after_byte_0(tmp_path, data):
    with pytest.raises(DataError, match=f"a.tar is truncated or damaged after byte 0 of {len(data)}"):
        walked(tmp_path / "a.tar", data)


@pytest.mark.parametrize(
    ("magic", "name"), [(b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh91AY", "bzip2")]
)
def test_a_compressed_shard_is_named_as_such(tmp_path, magic, name):
    with pytest.raises(DataError, match=f"is compressed with {name}") as caught:
        walked(tmp_path / "a.tar", magic + b"z" * 2000)
    assert str(tmp_path / "a.tar") in caught.value.hint


def test_a_record_that_claims_to_be_huge_is_not_read(tmp_path):
    data = bytearray(packed([("n" * 120, b"")], tarfile.GNU_FORMAT))
    data[124:136] = b"%011o\0" % (1 << 30)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:BLOCK])
    with pytest.raises(DataError, match="damaged after byte 0"):
        walked(tmp_path / "a.tar", bytes(data))


@pytest.mark.parametrize(
    "record", [b"0 path=a\n", b"-9 path=a\n", b"99 path=a\n", b"x path=a\n", b"9 path=ab", b"1 \n"]
)
def test_a_pax_record_of_a_wrong_length_is_damage(tmp_path, record):
    data = bytearray(packed([("a.jpg", b"")], tarfile.PAX_FORMAT, mtime=1.5))
    data[512:1024] = record.ljust(512, b"\0")
    data[124:136] = b"%011o\0" % len(record)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:BLOCK])
    with pytest.raises(DataError, match="damaged after byte 0"):
        walked(tmp_path / "a.tar", bytes(data))


def test_members_over_the_borders_of_blocks_are_read_whole_and_the_file_is_hashed(tmp_path):
    rng = np.random.default_rng(0)
    entries = [
        (f"{i}.jpg", rng.bytes(size)) for i, size in enumerate([READ - 700, 3, 2 * READ + 5, READ, 100])
    ]
    data = packed(entries)
    (tmp_path / "a.tar").write_bytes(data)
    with HashingFile(tmp_path / "a.tar") as source:
        read = [(m.name, source.read(m.data, m.size)) for m in members(source) if m.name != "1.jpg"]
        assert source.sha256() == hashlib.sha256(data).hexdigest()
    assert read == [entry for entry in entries if entry[0] != "1.jpg"]


def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match=r"none.tar cannot be read: no such file"):
        HashingFile(tmp_path / "none.tar")
