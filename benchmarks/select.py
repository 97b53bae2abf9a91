"""Every selection kernel beside the packages and the published loops that do the same work, in one run.

    uv pip install --python .venv apricot-select submodlib-py     # peers; without them their rows are missing
    uv pip install --python .venv grad-info-opt                   # another, 600 MB: brings JAX and Spark
    python benchmarks/select.py                                   # all kernels, minutes on two cores
    python benchmarks/select.py --kernels facility_location,gradmatch,gio
    python benchmarks/select.py --kernels kcenter --n 50000 --growth 5000,20000,50000,200000

The loops in `reference/` are our own writing of the published algorithms. All programs for one kernel run in
turns in one process, so that other work on the machine hits them alike; what takes over five seconds runs
once. `CPU ×` is the ratio of CPU seconds to prune's. What would take minutes does a part of the work, and its
time is scaled up linearly (marked *). apricot compiles its loops at every fit; seconds that say nothing about
them are measured and taken off. MB is the peak beyond what was there before. `× limit` is the wall time over
that of the plain form's arithmetic at the speed of a large float32 product, or of the bytes to be read
at the speed of memory, whichever is longer, both measured in the same run; below 1 where work is saved.

Run it on an idle machine: threads of torch and BLAS wait for each other by spinning, which is CPU time.
"""

if __name__ == "__main__":
    from comparison import main

    main(__doc__)
else:  # a program beside this file imports the standard library's `select`, and Python finds this file
    import sys
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
    from pathlib import Path

    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).resolve().parent]
    found = PathFinder.find_spec(__name__, elsewhere)
    if found is None or found.loader is None:
        raise ImportError(f"no module named {__name__!r} but {__file__}")
    sys.modules[__name__] = module = module_from_spec(found)
    found.loader.exec_module(module)
