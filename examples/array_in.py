"""An array that another program made goes in; findings come out. The place of the array must be told, never guessed.

    python examples/array_in.py

The array is a simulated chest here. With a real one, take spacing, origin and orientation from where it came.
"""

from __future__ import annotations

import overread
from overread.geometry import axial_grid
from overread.image import Intensity
from overread.tasks import find_task

simulated = find_task("chest_ct_nodule").simulate(seed=1).volume
array_hu = (
    simulated.array
)  # (slice, row, column); row grows to the back, column to the patient's left, slice to the head
grid = axial_grid(
    array_hu.shape, spacing_mm=simulated.grid.spacing_mm, origin_lps=tuple(simulated.grid.to_lps((0, 0, 0)))
)

analysis = overread.analyze(array_hu, grid=grid, intensity=Intensity.HU, task="chest_ct_nodule")
for nodule in analysis.findings:
    diameter = nodule["mean_diameter"]
    if diameter.interval is None:
        print(f"{nodule.number}: {nodule.site_text}, not measured: {diameter.method}")
    else:
        low, high = diameter.interval.low, diameter.interval.high
        print(f"{nodule.number}: {nodule.site_text}, {diameter.value:.1f} mm (95 %: {low:.1f} to {high:.1f})")
