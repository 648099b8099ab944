"""A simulated image and the truth about what was planted in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from overread.image import Radiograph, Volume


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted object.

    Parameters
    ----------
    number : int
        From 1.
    kind : str
        "solid", "part_solid", "ground_glass", "calcified" for nodules.
    attachment : str
        "isolated", "juxtavascular" or "juxtapleural" for nodules.
    centre_lps : (x, y, z)
        Centroid, mm.
    truths : dict
        Name of a measurement to its true value in the unit of the name: "volume_mm3", "effective_diameter_mm",
        "long_axis_mm", "short_axis_mm", "solid_diameter_mm", "mean_hu" ...
    """

    number: int
    kind: str
    attachment: str
    centre_lps: tuple[float, float, float]
    truths: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Phantom:
    """A simulated image with its truth. The same seed gives the same bytes."""

    name: str
    seed: int
    volume: Volume
    planted: tuple[Planted, ...]
    settings: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class FilmPhantom:
    """A simulated radiograph; `view` is its truth, "frontal" or "lateral". The same seed gives the same bytes."""

    name: str
    seed: int
    radiograph: Radiograph
    view: str
    settings: dict[str, float | int | str] = field(default_factory=dict)
