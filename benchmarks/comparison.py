"""The tables of `select.py`: one row a program, prune first, as Markdown."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kernels import KERNELS, Kernel
from measure import Case, Machine, Run, agreement, in_turns, machine, once

WARM = 300  # samples of the first, unmeasured run, which compiles
HEAD = "| kernel | program | wall s | CPU s | CPU × | MB | objective | same rows | same order to | × limit |"


def main(description: str | None = None) -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernels", default=",".join(KERNELS), help="default: all")
    parser.add_argument("--n", type=int, help="samples; default: what suits the kernel's slowest peer")
    parser.add_argument("--d", type=int, help="dimensions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-prune", action="store_true", help="leave the peers out")
    parser.add_argument(
        "--growth", default="", help="also time prune alone at these n: 5000,20000,50000,200000"
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    names = options.kernels.split(",")
    if unknown := [name for name in names if name not in KERNELS]:
        parser.error(f"no kernel is called {', '.join(unknown)}; there are {', '.join(KERNELS)}")
    limits = machine()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores: ", end="")
    print(f"float32 products {limits.operations / 1e9:.0f} GF/s, memory {limits.bytes / 1e9:.0f} GB/s\n")
    print(HEAD + "\n|" + " --- |" * HEAD.count(" | ") + " --- |", flush=True)
    figures = [compare(name, KERNELS[name], options, limits) for name in names]
    sizes = [int(word) for word in options.growth.split(",") if word]
    grown = [growth(name, KERNELS[name], sizes, options.d) for name in names] if sizes else []
    missing = sorted({name for figure in figures for name in figure["missing"]})
    print("\n\\* scaled up from a part of the work", end="")
    print(f"; not installed: {', '.join(missing)}" if missing else "")
    for line in grown:
        print(line["text"])
    if options.json:
        kept = {"limits": asdict(limits), "kernels": figures, "growth": grown}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")


def compare(name: str, kernel: Kernel, options: argparse.Namespace, limits: Machine) -> dict[str, Any]:
    """Run one kernel with all its programs, and print their rows."""
    n, d = options.n or kernel.n, options.d or kernel.d
    warm(kernel, min(n, WARM), d, peers=not options.only_prune)
    case = kernel.make(n, d)
    if options.only_prune:
        case.programs.update({other: None for other in list(case.programs) if other != "prune"})
    runs = in_turns(case, options.rounds)
    rows = [_figures(case, program, run, runs["prune"], limits) for program, run in runs.items()]
    print(f"| **{name}** | {case.size} | | | | | {case.aim} | | | |")
    for row in rows:
        print(_line(row), flush=True)
    absent = [program for program, there in case.programs.items() if there is None]
    return {"kernel": name, "size": case.size, "aim": case.aim, "programs": rows, "missing": absent}


def warm(kernel: Kernel, n: int, d: int, *, peers: bool) -> None:
    """Run everything once on little, so that no compilation is timed."""
    for name, program in kernel.make(n, d).programs.items():
        if program and program.compiles and (peers or name == "prune"):
            once(program)


def growth(name: str, kernel: Kernel, sizes: list[int], d: int | None) -> dict[str, Any]:
    """Time prune alone at several sizes; the exponent is that of CPU seconds from each to the next."""
    warm(kernel, WARM, d or kernel.d, peers=False)
    points = []
    for n in sizes:
        run = once(kernel.make(n, d or kernel.d).programs["prune"], cold=True)  # type: ignore[arg-type]
        points.append({"n": n, "wall": run.wall, "cpu": run.cpu, "megabytes": run.megabytes})
    text = []
    for before, point in zip([None, *points], points, strict=False):
        rise = ""
        if before:
            power = math.log(point["cpu"] / before["cpu"]) / math.log(point["n"] / before["n"])
            rise = f", n^{power:.1f}"
        also = f"{point['cpu']:.2f} CPU, {point['megabytes']:.0f} MB{rise}"
        text.append(f"n={point['n']} {point['wall']:.2f} s ({also})")
    return {"kernel": name, "points": points, "text": f"{name}, prune alone: {' · '.join(text)}"}


def _figures(case: Case, program: str, run: Run, ours: Run, limits: Machine) -> dict[str, Any]:
    whole, limit = run.share == 1, limits.seconds(case)
    same, until = agreement(run.rows, ours.rows) if case.rows and run is not ours else (None, None)
    return {
        "program": program,
        "wall": run.wall,
        "cpu": run.cpu,
        "ratio": run.cpu / ours.cpu,
        "megabytes": run.megabytes,
        "part": run.share,
        "runs": run.runs,
        "objective": case.objective(run.rows) if case.objective and whole else None,
        "same": same,
        "compared": min(len(run.rows), len(ours.rows)) if same is not None else None,
        "order": until,
        "over_limit": run.wall / limit if limit else None,
    }


def _line(row: dict[str, Any]) -> str:
    star = "" if row["part"] == 1 else " *"
    same = "" if row["same"] is None else f"{row['same']:.2%} of {row['compared']}"
    order = "" if row["same"] is None else "the end" if row["order"] is None else str(row["order"])
    cells = [
        "",
        row["program"] + star,
        _short(row["wall"]),
        _short(row["cpu"]),
        _short(row["ratio"]),
        f"{row['megabytes']:.0f}",
        "" if row["objective"] is None else f"{row['objective']:.8g}",
        same,
        order,
        "" if row["over_limit"] is None else _short(row["over_limit"]),
    ]
    return f"| {' | '.join(cells)} |"


def _short(value: float) -> str:
    if value == 0:
        return "≈ 0"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    main(__doc__)
