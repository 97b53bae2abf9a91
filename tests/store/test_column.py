from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from prune.core.errors import MissingColumnError, StoreError
from prune.store import Column, Store, identity

VALUES = np.arange(70, dtype=np.float32).reshape(35, 2)
RECIPE = {"encoder": "test"}


def write(store: Store, name: str = "embedding.test") -> Column:
    writer = store.write_column(name, RECIPE, rows=len(VALUES), part_rows=10)
    for part in writer.missing():
        writer.put(part, VALUES[part.start : part.stop], {12: "broken"} if part.number == 1 else None)
    column = writer.finish()
    store.publish(columns={name: identity(RECIPE)})
    return column


def test_reads_back_what_was_written_across_parts(tmp_path: Path) -> None:
    column = write(Store(tmp_path))
    assert column.shape == (35, 2)
    assert column.dtype == np.float32
    np.testing.assert_array_equal(column.read(), VALUES)
    np.testing.assert_array_equal(column.read(8, 31), VALUES[8:31])
    assert column.read(5, 5).shape == (0, 2)
    assert [start for start, _ in column.blocks()] == [0, 10, 20, 30]
    assert column.rejects == {12: "broken"}


def test_a_column_is_not_there_until_it_is_published(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(store, "embedding.other")
    writer = store.write_column("embedding.test", RECIPE, rows=35, part_rows=10)
    writer.put(next(writer.missing()), VALUES[:10])
    with pytest.raises(MissingColumnError, match="'embedding.test' is not finished") as caught:
        store.column("embedding.test")
    assert caught.value.hint.startswith(f"prune embed --store {tmp_path} --encoder test ")


def test_parts_that_are_there_are_not_computed_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writer = store.write_column("c", RECIPE, rows=35, part_rows=10)
    for part in list(writer.missing())[:2]:
        writer.put(part, VALUES[part.start : part.stop])
    again = store.write_column("c", RECIPE, rows=35, part_rows=10)
    assert [part.number for part in again.missing()] == [2, 3]


def test_another_recipe_is_another_column(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(store)
    other = store.write_column("embedding.test", {"encoder": "other"}, rows=35, part_rows=10)
    assert len(list(other.missing())) == 4


def parts(store: Store) -> list[Path]:
    return sorted((store.path / "columns").rglob("part-*"))


@pytest.mark.parametrize("damage", ["flip", "cut", "grow", "delete"])
def test_damage_is_found_and_only_the_damaged_part_is_made_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    write(store)
    path = parts(store)[2]
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-1] ^= 1
    path.write_bytes({"cut": data[:-1], "grow": data + b"x"}.get(damage, bytes(data)))
    if damage == "delete":
        path.unlink()
    with pytest.raises(StoreError, match="part") as caught:
        store.column("embedding.test").read()
    assert caught.value.exit_code == 4
    again = store.write_column("embedding.test", RECIPE, rows=35, part_rows=10)
    assert [part.number for part in again.missing()] == [2]
    np.testing.assert_array_equal(write(store).read(), VALUES)


def test_a_description_whose_seal_has_another_name_is_damaged_and_made_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(store)
    path = next(tmp_path.rglob("column.json"))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"seal"', b'"reel"'))
    with pytest.raises(StoreError, match=r"column\.json is damaged"):
        store.column("embedding.test")
    write(store)
    assert path.read_bytes() == whole


def test_a_part_of_the_wrong_length_is_a_bug(tmp_path: Path) -> None:
    writer = Store(tmp_path).write_column("c", RECIPE, rows=35, part_rows=10)
    with pytest.raises(ValueError, match="has 10 rows, not 9"):
        writer.put(next(writer.missing()), VALUES[:9])


def test_attachments_are_replaced_and_checked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    writer = store.write_column("c", RECIPE, rows=35, part_rows=40)
    writer.attach("weights", 3, b"old", "bin")
    writer.attach("weights", 3, b"new", "bin")
    writer.put(next(writer.missing()), VALUES)
    column = writer.finish()
    assert column.attachments("weights") == [3]
    assert column.attachment("weights", 3) == b"new"
    with pytest.raises(StoreError, match="no weights 4"):
        column.attachment("weights", 4)


def test_a_column_of_many_parts_keeps_no_file_open(tmp_path: Path) -> None:
    writer = Store(tmp_path).write_column("c", RECIPE, rows=64, part_rows=1)
    for part in writer.missing():
        writer.put(part, np.full((1, 3), part.number, np.float16))
    column = writer.finish()
    before = len(list(Path("/dev/fd").iterdir()))
    blocks = [block for _, block in column.blocks()]
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert [block[0, 2] for block in blocks] == list(range(64))
    assert not any(block.flags.writeable for block in blocks)
