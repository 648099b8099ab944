"""Whether a picture is a chest film as those in training, and soundly exposed; reasons in words where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.findings import Reason
from overread.models import LinearHead, Subspace
from overread.ops.film_exposure import exposure_numbers
from overread.tasks.chest_xray_view.plan import ViewPlan

LIFT = 0.3
"""Below every feature of the encoder: what is subtracted before the root is taken."""
EXPOSURE = {
    "blank": "hardly anything is shown on the film",
    "noise": "the film is too noisy to be read",
    "too_dark": "the film is much too dark",
    "too_white": "the film is much too white",
    "clipped_black": "most of what is dark on the film is cut off to black",
    "clipped_white": "most of what is bright on the film is cut off to white",
}
"""Class of the head `exposure` to its words."""


def kind_features(features: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(1280,): mean over copies of the root of (copy, 1280) features, so that few strong ones do not rule."""
    roots = np.sqrt(np.maximum(features.astype(np.float64) + LIFT, 0))
    return np.asarray(roots.mean(axis=0), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class KindGate:
    """Whether a picture is a chest film at all: by what chest films have in common, and against other pictures.

    Parameters
    ----------
    likeness : Subspace
        Fitted to chest films only.
    head : LinearHead
        "chest_film" against "stranger" and "crop".
    """

    likeness: Subspace
    head: LinearHead

    def reason(self, features: NDArray[np.floating[Any]], plan: ViewPlan) -> Reason | None:
        """Why it is no chest film, from (copy, 1280) features; None where it is one."""
        found = kind_features(features)[None]
        distance = float(self.likeness.distance(found)[0])
        p = self.head.probabilities(found)
        if p["crop"] > plan.stranger_above and p["crop"] > p["stranger"]:
            text = f"only a small part of a chest is shown (probability {p['crop']:.2f})"
            return Reason("part_of_a_chest", text)
        if distance > plan.unlike_beyond:
            words = f"{distance:.1f} times as far from chest films as usual, at most {plan.unlike_beyond:g}"
            return Reason("not_like_a_chest_film", f"it does not look like a chest film ({words})")
        if 1 - p["chest_film"] > plan.stranger_above:
            words = f"probability {p['chest_film']:.2f} of being one"
            return Reason("not_like_a_chest_film", f"it does not look like a chest film ({words})")
        return None


def exposure_reason(film: NDArray[np.generic], head: LinearHead, plan: ViewPlan) -> Reason | None:
    """Why the exposure of a (row, column) film as stored is too bad to read it; None where it is not."""
    p = head.probabilities(exposure_numbers(film)[None])
    if 1 - p["sound"] <= plan.badly_exposed_above:
        return None
    worst = max(EXPOSURE, key=lambda name: p[name])
    return Reason(worst, f"{EXPOSURE[worst]} (probability {1 - p['sound']:.2f})")
