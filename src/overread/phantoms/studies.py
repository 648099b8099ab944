"""A fixed family of simulated chest scans for training and for testing, told apart by their seeds. No scoring here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from overread.errors import UsageError
from overread.phantoms.chest import Wanted, chest
from overread.phantoms.nodule import KINDS, SURFACES
from overread.phantoms.nodule_block import ATTACHMENTS
from overread.phantoms.phantom import Phantom

Split = Literal["train", "test"]
_FIRST_SEED = {"train": 1_000_000, "test": 2_000_000}
_MOST = 100_000
_KIND_SHARE = {"solid": 0.5, "part_solid": 0.2, "ground_glass": 0.2, "calcified": 0.1}
_FIELD_OF_VIEW_MM = 320.0


@dataclass(frozen=True, slots=True)
class StudyCase:
    """One scan of a study: everything `chest` needs to draw it again.

    `spacing_mm` is (slice, row, column).
    """

    number: int
    split: Split
    seed: int
    wanted: tuple[Wanted, ...]
    spacing_mm: tuple[float, float, float]
    matrix: int
    thickness_mm: float
    fwhm_mm: float
    noise_hu: float
    length_mm: float

    def draw(self) -> Phantom:
        """The phantom; seconds."""
        return chest(
            self.seed,
            nodules=self.wanted,
            spacing_mm=self.spacing_mm,
            matrix=self.matrix,
            thickness_mm=self.thickness_mm,
            fwhm_mm=self.fwhm_mm,
            noise_hu=self.noise_hu,
            length_mm=self.length_mm,
            name=f"chest_{self.split}_{self.number:03d}",
        )


def study_cases(split: Split, count: int = 60, *, length_mm: float = 130.0) -> list[StudyCase]:
    """The first `count` scans of a split. The two splits share no seed; case n is the same whatever `count` is.

    Each scan draws noise of 15-60 HU, slices of .75-2.5 mm, pixels of .65-.8 mm, a blur of .8-1.4 mm, and 3-6 nodules
    of 4-30 mm (even on a log scale) of all kinds, attachments and surfaces. `length_mm` is kept short around the
    hila and the heart, where false positives live.

    Raises
    ------
    UsageError
        Unknown split, or more scans than there are seeds.
    """
    if split not in _FIRST_SEED:
        raise UsageError(f"unknown split {split!r}", way_out='Use "train" or "test".')
    if not 0 <= count <= _MOST:
        raise UsageError(f"a study has 0..{_MOST} scans, got {count}")
    return [_draw_case(split, number, length_mm) for number in range(count)]


def _draw_case(split: Split, number: int, length_mm: float) -> StudyCase:
    seed = _FIRST_SEED[split] + number
    rng = np.random.default_rng((seed, 1))
    slice_mm = float(rng.choice((0.75, 1.0, 1.25, 1.5, 2.0, 2.5)))
    pixel_mm = round(float(rng.uniform(0.65, 0.8)), 3)
    return StudyCase(
        number=number,
        split=split,
        seed=seed,
        wanted=tuple(_draw_wanted(rng) for _ in range(int(rng.integers(3, 7)))),
        spacing_mm=(slice_mm, pixel_mm, pixel_mm),
        matrix=int(np.ceil(_FIELD_OF_VIEW_MM / pixel_mm / 16)) * 16,
        thickness_mm=slice_mm,
        fwhm_mm=round(float(rng.uniform(0.8, 1.4)), 2),
        noise_hu=round(float(rng.uniform(15, 60)), 1),
        length_mm=length_mm,
    )


def _draw_wanted(rng: np.random.Generator) -> Wanted:
    kind = str(rng.choice(list(_KIND_SHARE), p=list(_KIND_SHARE.values())))
    return Wanted(
        diameter_mm=round(float(np.exp(rng.uniform(np.log(4.0), np.log(30.0)))), 2),
        kind=KINDS[KINDS.index(kind)],
        attachment=ATTACHMENTS[int(rng.integers(len(ATTACHMENTS)))],
        surface=SURFACES[int(rng.integers(len(SURFACES)))],
    )
