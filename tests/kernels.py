"""The tests that compare numbers, under the kernels of other processors than this one: `make test-kernels`.

BLAS, torch and numpy add up in another order on every kind of processor. What comes out differently is the
last digit of a sum; no test, and no selection, may hang on it. Libraries can be told to work as on an older
processor, so that one machine tries them all.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).parents[1]
MARKS = "not gpu and not slow and not network and not soak"
FOLDERS = ("selectors", "optimizers", "index", "numbers", "scorers", "machines")
QUICK = (  # seconds each, of what is in the folders
    "optimizers",
    "index/test_similarity.py",
    "index/test_farthest.py",
    "index/test_gradients.py",
    "selectors/test_craig.py",
    "selectors/test_far_mean.py",
    "selectors/test_gradmatch.py",
    "selectors/test_herding.py",
    "selectors/test_set_functions.py",
    "scorers/test_neighbourhood.py",
    "machines/test_kernels.py",
)
SETTINGS = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
CPUS = {  # what each of SETTINGS is for a processor, and the newest vectors that numpy may use
    "prescott": ("Prescott", "SSE4_2", "default", "SSE41", ""),
    "nehalem": ("Nehalem", "SSE4_2", "default", "SSE41", ""),
    "haswell": ("Haswell", "AVX2", "avx2", "AVX2", "AVX2"),
    "skylakex": ("SkylakeX", "AVX512", "avx512", "AVX512_CORE", "AVX512F"),
}
NEWER = {"": ("X86_V3", "X86_V4", "AVX", "FMA"), "AVX2": ("X86_V4", "AVX512"), "AVX512F": ()}


def environment(cpu: str) -> dict[str, str]:
    """Return what makes the libraries of a process work as on a processor."""
    *values, vectors = CPUS[cpu]
    found = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
    newer = [name for name in found if name.startswith(NEWER[vectors])]
    chosen = os.environ | dict(zip(SETTINGS, values, strict=True))
    return chosen | ({"NPY_DISABLE_CPU_FEATURES": " ".join(newer)} if newer else {})


def possible() -> list[str]:
    """Return the processors whose instructions this one has, oldest first; none if it is of another kind."""
    return [name for name, (*_, vectors) in CPUS.items() if __cpu_features__.get(vectors or "SSE2", False)]


def main() -> int:
    """Run the tests under each, and say which fail."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--two", action="store_true", help="the two that differ most, and the quick files")
    parser.add_argument("paths", nargs="*", help="tests to run instead, below tests/")
    asked = parser.parse_args()
    names = possible()
    if asked.two:
        names = sorted({names[0], names[-2]}) if len(names) > 1 else names  # `make test` has used the newest
    paths = asked.paths or (QUICK if asked.two else FOLDERS)
    failed = []
    for name in names:
        sys.stderr.write(f"as on a {name}:\n")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", "-m", MARKS]
        command += [str(ROOT / "tests" / path) for path in paths]
        if subprocess.run(command, cwd=ROOT, env=environment(name), check=False).returncode:
            failed.append(name)
    sys.stderr.write(f"{len(names)} kernels tried; failed: {', '.join(failed) or 'none'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
