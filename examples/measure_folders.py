"""Volumes of all nodules in many scans, one CSV row a nodule, with the error bars.

    python examples/measure_folders.py SCAN [SCAN ...] > volumes.csv

A scan that cannot be read or does not suit gets a line on standard error, and the others go on.
"""

from __future__ import annotations

import csv
import sys

import overread
from overread.errors import OverreadError

COLUMNS = ("scan", "nodule", "type", "volume_mm3", "low_mm3", "high_mm3", "caveats", "lung_rads_2022")


def rows(scan: str) -> list[tuple[object, ...]]:
    """One row for each nodule of the scan in the folder `scan`."""
    reading = overread.analyze(scan, task="chest_ct_nodule").reading
    if not reading.assessable:
        print(f"{scan}: {'; '.join(reason.text for reason in reading.reasons)}", file=sys.stderr)
    found = []
    for nodule in reading.findings:
        volume = nodule["volume"]
        low, high = (volume.interval.low, volume.interval.high) if volume.interval else ("", "")
        category = nodule.descriptor("lung_rads_2022")
        said = " or ".join((category.value, *category.also))
        caveats = " ".join(volume.quality.words())
        kind = nodule.descriptor("type").value
        found.append((scan, nodule.number, kind, volume.value, low, high, caveats, said))
    return found


def main() -> int:
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(COLUMNS)
    failed = 0
    for scan in sys.argv[1:]:
        try:
            table.writerows(rows(scan))
        except OverreadError as error:
            failed += 1
            print(error, file=sys.stderr)
    return 7 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
