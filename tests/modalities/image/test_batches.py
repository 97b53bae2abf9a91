"""A dataset comes as batches in its order, the same from any number of processes."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from prune.core.errors import DataError
from prune.modalities.image import Crop, batches, read_images

CROP = Crop(8, 8)


def png(row: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(row).integers(0, 256, (8, 8, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


@dataclass(frozen=True)
class Drawn:
    """Draws an image for each row; the rows of `torn` are cut short."""

    torn: tuple[int, ...] = ()
    failing: int = -1

    def payloads(self, samples: pa.Table) -> Iterator[bytes]:
        for row in samples["index"].to_pylist():
            if row == self.failing:
                raise DataError(f"row {row} is gone", "scan again")
            yield png(row)[:40] if row in self.torn else png(row)


def samples_of(n: int, rejected: tuple[int, ...] = ()) -> pa.Table:
    reasons = ["a reason" if row in rejected else None for row in range(n)]
    keys = [f"{row:03d}.png" for row in range(n)]
    return pa.table(
        {"index": pa.array(range(n), pa.int64()), "key": keys, "reason": pa.array(reasons, pa.string())}
    )


def gathered(found) -> tuple[np.ndarray, dict[int, str], list[int]]:
    starts, pixels, reasons = [], [], {}
    for start, images, why in found:
        starts.append(start)
        pixels.append(images)
        reasons |= why
    return np.concatenate(pixels), reasons, starts


def test_images_come_in_order_and_the_bad_ones_are_named():
    found = read_images(Drawn(torn=(5, 9)), samples_of(20, rejected=(0, 7)), CROP, workers=0, batch=6)
    pixels, reasons, starts = gathered(found)
    assert starts == [0, 6, 12, 18]
    assert sorted(reasons) == [5, 9]
    assert "broken png" in reasons[5]
    for row in range(20):
        expected = np.asarray(Image.open(io.BytesIO(png(row)))).transpose(2, 0, 1)
        np.testing.assert_array_equal(pixels[row], 0 if row in (0, 5, 7, 9) else expected)


def test_large_images_come_in_smaller_batches():
    found = read_images(Drawn(), samples_of(30), Crop(1024, 1024), workers=0)
    assert {images.nbytes for _, images, _ in found} == {2 * 3 * 1024**2}


def test_no_samples_are_no_batches():
    assert list(read_images(Drawn(), samples_of(0), CROP, workers=0)) == []


def run(script: str, *words: str, stdin: bool = False) -> subprocess.CompletedProcess[str]:
    given = {"input": script} if stdin else {}
    command = [sys.executable, *words] if stdin else [sys.executable, *words, script]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, **given)


SOURCE = """
import io, os, sys, time
import numpy as np, pyarrow as pa
from PIL import Image
from prune.core.errors import DataError
from prune.modalities.image import Crop, read_images

class Drawn:
    def payloads(self, samples):
        for row in samples["index"].to_pylist():
            if row == int(os.environ.get("DIE_AT", -1)):
                os._exit(9)
            if row == int(os.environ.get("FAIL_AT", -1)):
                raise DataError(f"row {row} is gone", "scan again")
            time.sleep(float(os.environ.get("SLOW", 0)))
            out = io.BytesIO()
            Image.fromarray(np.random.default_rng(row).integers(0, 256, (8, 8, 3), np.uint8)).save(out, "PNG")
            yield out.getvalue()[: 40 if row % 7 == 3 else None]

def samples(n):
    reasons = pa.array(["no"] + [None] * (n - 1), pa.string())
    keys = [f"{row:03d}.png" for row in range(n)]
    return pa.table({"index": pa.array(range(n), pa.int64()), "key": keys, "reason": reasons})

def read(workers):
    starts, parts, reasons = [], [], {}
    for start, images, found in read_images(Drawn(), samples(50), Crop(8, 8), workers=workers, batch=8):
        starts.append(start); parts.append(images); reasons |= found
    return starts, np.concatenate(parts).tobytes(), reasons
"""


def script(tmp_path, body: str) -> str:
    path = tmp_path / "script.py"
    path.write_text(SOURCE + textwrap.dedent(body))
    return str(path)


def test_any_number_of_workers_gives_the_same_and_loads_no_torch(tmp_path):
    done = run(
        script(
            tmp_path,
            """
            if __name__ == "__main__":
                here = read(0)
                assert here == read(2), "differs"
                assert "torch" not in sys.modules
                print(len(here[0]), len(here[2]))
            """,
        )
    )
    assert (done.stdout, done.stderr) == ("7 7\n", "")


def test_a_script_without_a_guard_reads_in_its_own_process(tmp_path):
    done = run(script(tmp_path, "print(len(read(0)[0]))"))
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_script_without_a_guard_is_told_about_it(tmp_path):
    body = """
    try:
        read(1)
    except DataError as error:
        print(error, "|", error.hint)
    """
    done = run(script(tmp_path, body))
    assert "a worker process died while reading images" in done.stdout
    assert '__name__ == "__main__"' in done.stdout


def test_a_script_from_standard_input_reads_in_its_own_process():
    done = run(SOURCE + "print(len(read(0)[0]))\n", "-", stdin=True)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_death_or_an_error_in_a_worker_is_one_sentence(tmp_path):
    body = """
    if __name__ == "__main__":
        for cause in ("DIE_AT", "FAIL_AT"):
            os.environ[cause] = "20"
            try:
                read(1)
            except DataError as error:
                print(error, "|", error.hint)
            del os.environ[cause]
    """
    done = run(script(tmp_path, body))
    died, failed = done.stdout.splitlines()
    assert died.startswith(
        "a worker process died while reading images, and the one that took over its work too"
    )
    assert "between '016.png' and '023.png' | run again with --workers 0" in died
    assert failed == "row 20 is gone | scan again"
    assert done.stderr == ""


INTERRUPTED = """
import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    try:
        print("start", flush=True)
        for start, _, _ in read_images(Drawn(), samples(5000), Crop(8, 8), workers=2, batch=8):
            print(start, flush=True)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def all_gone(group: int) -> bool:
    """Wait until no process of the group is left, a hundred seconds at most."""
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("until", ["start", "0"])
def test_ctrl_c_ends_in_silence_and_leaves_no_process(tmp_path, monkeypatch, until):
    monkeypatch.setenv("SLOW", "0.01")
    process = subprocess.Popen(
        [sys.executable, script(tmp_path, INTERRUPTED)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != until:
            pass
        time.sleep(0.2)  # "start": into the start of the workers
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=250)
    assert out.endswith("stopped\n")
    assert err == ""
    assert all_gone(process.pid)


def test_workers_end_with_a_parent_that_was_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("SLOW", "0.01")
    process = subprocess.Popen(
        [sys.executable, script(tmp_path, INTERRUPTED)], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != b"0":
            pass
        process.kill()
    assert all_gone(process.pid)


def test_a_process_that_may_have_no_others_reads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _, _ = gathered(read_images(Drawn(), samples_of(5), CROP, workers=0))
    process = multiprocessing.current_process()
    monkeypatch.setitem(process._config, "daemon", True)  # type: ignore[attr-defined]  # as in a Pool
    with pytest.raises(AssertionError, match="daemonic"):
        multiprocessing.Process().start()
    pixels, _, _ = gathered(read_images(Drawn(), samples_of(5), CROP, workers=2, batch=2))
    assert np.array_equal(pixels, expected)


def test_one_batch_is_decoded_here_since_only_one_process_could(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _, _ = gathered(read_images(Drawn(), samples_of(5), CROP, workers=0))
    monkeypatch.setattr(batches, "Processes", lambda *_: pytest.fail("processes are started"))
    pixels, _, _ = gathered(read_images(Drawn(), samples_of(5), CROP, workers=2, batch=5))
    assert np.array_equal(pixels, expected)
    with pytest.raises(pytest.fail.Exception):
        gathered(read_images(Drawn(), samples_of(5), CROP, workers=2, batch=4))
