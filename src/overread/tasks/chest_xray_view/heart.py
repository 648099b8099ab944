"""Lung fields of a frontal film, and the cardiothoracic ratio from them with what is known of its error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from overread.findings import Component, Finding, ImageRegion, Interval, Laterality, Measurement, Quality, Shape
from overread.findings.codes import ANATOMICAL_STRUCTURE, LUNG
from overread.findings.identity import digest_uid
from overread.image import PictureMask, Radiograph
from overread.models import LinearHead
from overread.ops.film_heart import HeartAndChest, heart_and_chest
from overread.ops.film_lungs import FilmLungs, bounds
from overread.ops.film_mirror import half_differences
from overread.runtime import Runtime
from overread.tasks._shared.film_lungs import LungFinder

NAME = "cardiothoracic_ratio"
SD = 0.05
"""Of the ratio, from simulated films with known widths (`overread_lab.studies.film_heart`); real ones have no truth."""
MIRROR, MIRRORED = "mirror.npz", ("as_shown", "mirrored")
"""File and classes of the head that asks whether the heart is on its side."""
MIRROR_WARNING = "The film may be mirrored: the heart lies on the other side. Check the side marker."
CHECKED = (0.4, 0.65)
"""Ratios that the simulated films have; beyond, the interval is not known to hold."""
SIDES = ((1, "right lung", Laterality.RIGHT), (2, "left lung", Laterality.LEFT))
MAGNIFIED = "AP and bedside films enlarge the heart: their ratio is higher than that of a PA film of the same patient."


@dataclass(frozen=True, slots=True, eq=False)
class Heart:
    """Lung fields, and the ratio where it could be measured."""

    lungs: FilmLungs
    widths: HeartAndChest | None

    @property
    def measurement(self) -> Measurement:
        """The ratio with its 95 % interval, or why there is none."""
        if self.widths is None:
            return Measurement(
                NAME, float("nan"), "1", None, "both lung fields are needed, and edges within them",
                quality=Quality.NOT_MEASURABLE,
            )  # fmt: skip
        ratio = self.widths.ratio
        interval = Interval(max(0.0, ratio - 1.96 * SD), ratio + 1.96 * SD)
        method = "widths of heart and chest by the lung fields and the steepest edges beside them"
        quality = Quality.NONE if CHECKED[0] <= ratio <= CHECKED[1] else Quality.EXTRAPOLATED
        parts = (Component("edges, on simulated films", SD),)
        return Measurement(NAME, ratio, "1", interval, method, quality=quality, components=parts)

    @property
    def marks(self) -> tuple[ImageRegion, ...]:
        """The two lines."""
        if self.widths is None:
            return ()
        return tuple(ImageRegion(Shape.POLYLINE, line, name=NAME) for line in (self.widths.heart, self.widths.chest))

    @property
    def mask(self) -> PictureMask | None:
        """1 in the right lung, 2 in the left."""
        if not self.lungs.both.any():
            return None
        labels = self.lungs.right.astype("uint8") + 2 * self.lungs.left.astype("uint8")
        return PictureMask(labels, {number: words for number, words, _ in SIDES})

    def structures(self, uid: str) -> tuple[Finding, ...]:
        """The lung fields that were found, each by its place in the picture; `uid` names the image."""
        found = []
        for (number, words, side), inside in zip(SIDES, (self.lungs.right, self.lungs.left), strict=True):
            box = bounds(inside)
            if box is None:
                continue
            rows, columns = np.nonzero(inside)
            at = ImageRegion(Shape.POINT, ((float(rows.mean()), float(columns.mean())),))
            found.append(
                Finding(
                    number=number, kind=LUNG, category=ANATOMICAL_STRUCTURE, label=words, site=LUNG, laterality=side,
                    tracking_uid=digest_uid(uid, NAME, words), region=at,
                )
            )  # fmt: skip
        return tuple(found)


def mirrored(image: Radiograph, heart: Heart, head: LinearHead) -> float | None:
    """Probability that a frontal film is mirrored, were half of all so; None where two lungs are not found."""
    found = half_differences(image.array, heart.lungs)
    return None if found is None else head.probabilities(found[None])["mirrored"]


def heart_of(image: Radiograph, runtime: Runtime) -> Heart:
    """Of an upright frontal film, not inverted."""
    film = image.array
    lungs = lung_finder(runtime.threads).find(film)
    return Heart(lungs, heart_and_chest(film, lungs))


@cache
def lung_finder(threads: int) -> LungFinder:
    """The network for lung fields, opened once."""
    return LungFinder.open(Runtime(threads))
