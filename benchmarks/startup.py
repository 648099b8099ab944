"""Wall time to start: medians of an empty Python, `import overread` and `overread --help`.

    python benchmarks/startup.py [--runs 15]

Aims: `import overread` at most 60 ms, `overread --help` at most 80 ms. Exits 1 when over.
The first run of each is thrown away: it writes byte code.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path
from time import perf_counter

AIMS_MS = {"import overread": 60, "overread --help": 80}


def milliseconds(command: list[str]) -> float:
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (perf_counter() - began)


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
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():  # in turn, so that a busy moment falls on all
            took = milliseconds(command)
            if run:
                times[name].append(took)
    over = False
    for name, taken in times.items():
        median, aim = statistics.median(taken), AIMS_MS.get(name)
        over = over or (aim is not None and median > aim)
        print(
            f"{name:16} median {median:6.1f} ms, min {min(taken):6.1f} ms of {runs}" + (f"  (aim {aim})" if aim else "")
        )
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
