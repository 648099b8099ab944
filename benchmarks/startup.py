"""Wall and processor time to start: medians of an empty Python, `import overread` and `overread --help`.

    python benchmarks/startup.py [--runs 15]

Aims: `import overread` at most 60 ms, `overread --help` at most 80 ms. Exits 1 when over.
The first run of each is thrown away: it writes byte code.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

AIMS_MS = {"import overread": 60, "overread --help": 80}


def milliseconds(command: list[str]) -> tuple[float, float]:
    """Wall time, and processor time, which a busy machine stretches less."""
    before, began = getrusage(RUSAGE_CHILDREN), perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * wall, 1000 * used


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    script = Path(sysconfig.get_path("scripts"), "overread")
    if not script.exists():
        sys.exit(f"{script} is not there: install overread first (pip install .)")
    commands = {
        "empty Python": [sys.executable, "-c", "pass"],
        "import overread": [sys.executable, "-c", "import overread"],
        "overread --help": [str(script), "--help"],
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():  # in turn, so that a busy moment falls on all
            took = milliseconds(command)
            if run:
                times[name].append(took)
    over = False
    for name, taken in times.items():
        wall, used = (statistics.median(one) for one in zip(*taken, strict=True))
        aim = AIMS_MS.get(name)
        over = over or (aim is not None and wall > aim)
        print(
            f"{name:16} median {wall:6.1f} ms, processor {used:5.1f} ms, of {runs}" + (f"  (aim {aim})" if aim else "")
        )
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
