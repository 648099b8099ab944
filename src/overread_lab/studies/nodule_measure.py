"""How right the sizes of nodules are, and whether their error bars keep their promise, on blocks of known truth.

    python -m overread_lab.studies.nodule_measure --n 200

Evaluation blocks are drawn from other seeds than those on which the parameters of `MeasurePlan` were set
(`--purpose calibrate`); the refusal of scraps was written after two evaluation blocks had shown the need, so
`--purpose confirm` draws a third set that nothing was changed for. A figure from here is a phantom figure.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from overread.findings import Measurement
from overread.image import Volume
from overread.measure import NoduleMeasure, measure_nodule
from overread.phantoms.nodule import SURFACES, Kind
from overread.phantoms.nodule_block import ATTACHMENTS, Attachment, nodule_block
from overread.phantoms.phantom import Phantom
from overread_lab.metrics import coverage, volume_errors

PURPOSES = {"calibrate": 11, "evaluate": 23, "confirm": 37}
SIZE_BINS = ((4.0, 6.0), (6.0, 8.0), (8.0, 12.0), (12.0, 16.0), (16.0, 20.0))
SLICES_MM = (0.75, 1.25, 2.5)
TRUTH_OF = {
    "volume": "volume_mm3",
    "effective_diameter": "effective_diameter_mm",
    "mean_diameter": "mean_diameter_mm",
    "long_axis": "long_axis_mm",
    "short_axis": "short_axis_mm",
    "long_axis_3d": "long_axis_3d_mm",
    "short_axis_3d": "short_axis_3d_mm",
    "largest_section_area": "largest_section_area_mm2",
    "mean_density": "mean_hu",
    "mass": "mass_mg",
    "solid_long_axis": "solid_long_axis_mm",
}
CLOSING_MM = 20.0


@dataclass(frozen=True, slots=True)
class Row:
    """One block: how it was made, what was found.

    `figures` maps a measurement to (value, low, high, truth); it is empty where nothing was measured, and `reason`
    says why.
    """

    purpose: str
    attachment: str
    kind: str
    index: int
    size_mm: float
    slice_mm: float
    noise_hu: float
    surface: str
    found_attachment: str
    found_type: str
    figures: dict[str, tuple[float, float, float, float]]
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Case:
    """Which block: everything else follows from these."""

    purpose: str
    attachment: Attachment
    kind: Kind
    index: int

    def rng(self) -> np.random.Generator:
        """The generator of this block alone."""
        key = [PURPOSES[self.purpose], ATTACHMENTS.index(self.attachment), len(self.kind), self.index]
        return np.random.default_rng(key)


def draw_block(case: Case) -> tuple[Phantom, NDArray[np.float64], float]:
    """The block of a case, and the rough seed (index) and radius (mm) that a detector might give."""
    rng = case.rng()
    low, high = SIZE_BINS[case.index % len(SIZE_BINS)]
    diameter = float(rng.uniform(low, high))
    slice_mm = SLICES_MM[(case.index // len(SIZE_BINS)) % len(SLICES_MM)]
    pixel = float(rng.uniform(0.6, 0.8))
    phantom = nodule_block(
        rng,
        diameter_mm=diameter,
        kind=case.kind,
        attachment=case.attachment,
        spacing_mm=(slice_mm, pixel, pixel),
        fwhm_mm=float(rng.uniform(0.8, 1.4)),
        noise_hu=float(rng.uniform(15, 60)),
        shape=SURFACES[int(rng.integers(len(SURFACES)))],
        seed=case.index,
    )
    planted = phantom.planted[0]
    centre = np.array(planted.centre_lps) + rng.normal(0, 0.08 * diameter, 3)
    radius = planted.truths["effective_diameter_mm"] / 2 * float(rng.uniform(0.75, 1.3))
    return phantom, phantom.volume.grid.to_index(centre), radius


def closed_lung(image: Volume) -> NDArray[np.bool_]:
    """Lung field of a block: air closed by a ball of 20 mm on a coarse grid, then everything aerated."""
    array = ndi.uniform_filter(image.array.astype(np.float32), 3)
    steps = tuple(max(1, round(2.0 / s)) for s in image.grid.spacing_mm)
    air = array[:: steps[0], :: steps[1], :: steps[2]] < -400
    coarse_mm = [s * n for s, n in zip(image.grid.spacing_mm, steps, strict=True)]
    wide = int(CLOSING_MM / min(coarse_mm)) + 2
    padded = np.pad(air, wide, mode="edge")
    near = ndi.distance_transform_edt(~padded, sampling=coarse_mm) <= CLOSING_MM
    closed = ndi.distance_transform_edt(near, sampling=coarse_mm) > CLOSING_MM
    crop = tuple(slice(wide, -wide) for _ in range(3))
    full = closed[crop]
    for axis, n in enumerate(steps):
        full = np.repeat(full, n, axis=axis)
    return np.asarray(full[tuple(slice(0, n) for n in image.grid.shape)] | (array < -400))


def measure_case(case: Case) -> Row:
    """Draw, measure, compare."""
    phantom, seed, radius = draw_block(case)
    lung = closed_lung(phantom.volume)
    start = time.perf_counter()
    found = measure_nodule(phantom.volume, seed, radius, lung)
    seconds = time.perf_counter() - start
    return row_of(
        case, phantom, found if isinstance(found, NoduleMeasure) else None, getattr(found, "reason", ""), seconds
    )


def row_of(case: Case, phantom: Phantom, found: NoduleMeasure | None, reason: str, seconds: float) -> Row:
    """The row of a measured block."""
    truths = phantom.planted[0].truths
    figures: dict[str, tuple[float, float, float, float]] = {}
    for name, truth in TRUTH_OF.items():
        measurement = found[name] if found is not None else None
        if measurement is not None and measurement.interval is not None and truth in truths:
            figures[name] = _figure(measurement, truths[truth])
    return Row(
        case.purpose, case.attachment, case.kind, case.index, truths["effective_diameter_mm"],
        phantom.volume.grid.slice_gap_mm, float(phantom.settings["noise_hu"]), str(phantom.settings["surface"]),
        found.attachment if found else "", found.nodule_type if found else "", figures, reason, seconds,
    )  # fmt: skip


def _figure(measurement: Measurement, truth: float) -> tuple[float, float, float, float]:
    interval = measurement.interval
    if interval is None:
        raise ValueError(measurement.name)
    return measurement.value, interval.low, interval.high, truth


def table(rows: Sequence[Row], name: str, groups: Iterable[tuple[str, Callable[[Row], bool]]]) -> list[str]:
    """Lines: bias, coverage with its exact interval, width and interval score of one measurement, for each group."""
    lines = [f"  {name:22s}    n  missing  bias %  median %  sd %   coverage [exact 95 %]    width %  score %"]
    for label, belongs in groups:
        chosen = [row for row in rows if belongs(row)]
        data = np.array([row.figures[name] for row in chosen if name in row.figures]).reshape(-1, 4)
        if not len(data):
            continue
        scale = np.abs(data[:, 3]) if name != "mean_density" else np.full(len(data), 100.0)  # HU: % of 100 HU
        if name == "mean_density":
            relative = (data[:, 0] - data[:, 3]) / scale
            mean, median, sd = float(relative.mean()), float(np.median(relative)), float(relative.std())
        else:
            errors = volume_errors(data[:, 0], data[:, 3])
            mean, median, sd = errors.mean, errors.median, errors.sd
        kept = coverage(data[:, 1] / scale, data[:, 2] / scale, data[:, 3] / scale)
        bounds = f"[{kept.exact.low:.3f}, {kept.exact.high:.3f}]" if kept.exact else ""
        lines.append(
            f"    {label:20s} {len(data):4d}  {len(chosen) - len(data):5d}  {100 * mean:+7.2f} {100 * median:+8.2f} "
            f"{100 * sd:6.2f}   {kept.share:.3f} {bounds:18s} {100 * kept.mean_width:8.2f} {100 * kept.mean_score:8.2f}"
        )
    return lines


def size_groups() -> list[tuple[str, Callable[[Row], bool]]]:
    """All, then each size bin; a nodule cut by the wall to less than the first bin is counted there."""
    groups: list[tuple[str, Callable[[Row], bool]]] = [("all", lambda row: True)]
    for low, high in SIZE_BINS:
        first, last = low == SIZE_BINS[0][0], high == SIZE_BINS[-1][1]
        groups.append(
            (
                f"{low:g}-{high:g} mm",
                lambda row, a=low, b=high, f=first, z=last: (f or row.size_mm >= a) and (z or row.size_mm < b),  # type: ignore[misc]
            )
        )
    return groups


def other_groups(rows: Sequence[Row]) -> list[tuple[str, Callable[[Row], bool]]]:
    """By slice, surface, noise and found attachment."""
    groups: list[tuple[str, Callable[[Row], bool]]] = []
    for thickness in SLICES_MM:
        groups.append((f"slices {thickness:g} mm", lambda row, v=thickness: abs(row.slice_mm - v) < 0.01))  # type: ignore[misc]
    for form in SURFACES:
        groups.append((form, lambda row, v=form: row.surface == v))  # type: ignore[misc]
    groups.append(("noise below 35 HU", lambda row: row.noise_hu < 35))
    groups.append(("noise from 35 HU", lambda row: row.noise_hu >= 35))
    for name in sorted({row.found_attachment for row in rows if row.found_attachment}):
        groups.append((f"called {name}", lambda row, v=name: row.found_attachment == v))  # type: ignore[misc]
    return groups


def report(rows: Sequence[Row]) -> list[str]:
    """The printed study."""
    lines: list[str] = []
    for kind in dict.fromkeys(row.kind for row in rows):
        for attachment in ATTACHMENTS:
            chosen = [row for row in rows if row.attachment == attachment and row.kind == kind]
            if not chosen:
                continue
            lost = [row for row in chosen if row.reason]
            seconds = np.array([row.seconds for row in chosen])
            right = np.mean([row.found_type == kind for row in chosen])
            lines.append(
                f"\n{kind}, {attachment}: {len(chosen)} blocks, {len(lost)} not measurable, type right {right:.2f}; "
                f"{np.median(seconds):.2f} s median, {np.percentile(seconds, 95):.2f} s 95th percentile"
            )
            lines += [f"    not measurable: block {row.index}, {row.size_mm:.1f} mm: {row.reason}" for row in lost]
            lines += table(chosen, "volume", [*size_groups(), *other_groups(chosen)])
            for name in TRUTH_OF:
                if name != "volume":
                    lines += table(chosen, name, size_groups())
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study; see the module's docstring."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--n", type=int, default=200, help="blocks per class")
    parser.add_argument("--attachment", choices=ATTACHMENTS, action="append", help="default: all three")
    parser.add_argument("--kind", choices=("solid", "part_solid", "ground_glass", "calcified"), action="append")
    parser.add_argument("--purpose", choices=tuple(PURPOSES), default="evaluate")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write every row to this file")
    options = parser.parse_args(arguments)
    cases = [
        Case(options.purpose, cast("Attachment", attachment), cast("Kind", kind), index)
        for kind in options.kind or ["solid"]
        for attachment in options.attachment or ATTACHMENTS
        for index in range(options.n)
    ]
    if options.workers > 1:
        with ProcessPoolExecutor(options.workers) as pool:
            rows = list(pool.map(measure_case, cases, chunksize=4))
    else:
        rows = [measure_case(case) for case in cases]
    sys.stdout.write("\n".join(report(rows)) + "\n")
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
