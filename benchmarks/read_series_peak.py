"""Peak memory of one reader in a fresh process: prints peak and array size in MiB. Called by read_series.py."""

from __future__ import annotations

import sys
from pathlib import Path

READERS_OF_OURS = {"overread, 2 threads": 2, "overread, 1 thread": 1}


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    if name in READERS_OF_OURS:  # nothing but our own imports: those of the benchmark would count as ours
        from overread.io import open_study  # noqa: PLC0415
        from overread.runtime import Runtime  # noqa: PLC0415

        array = open_study(folder).only("CT").load_volume(runtime=Runtime(READERS_OF_OURS[name])).array
    else:
        from read_series import READERS  # noqa: PLC0415

        array = READERS[name](folder)
    # not getrusage: its ru_maxrss begins with the memory of the process that started this one
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 1024, array.nbytes / 2**20)


if __name__ == "__main__":
    main()
