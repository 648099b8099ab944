"""The films of the set chest_xray as arrays, and figures of them with intervals over patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread_lab.datasets.manifest import Case
from overread_lab.metrics import bootstrap
from overread_lab.metrics.bootstrap import Bootstrap, Statistic

OF_LABEL = {"pa": 0, "ap": 0, "ap_erect": 0, "ap_supine": 1, "lateral": 2, "child": 3}
"""Label of the set to index into `overread.tasks.chest_xray_view.plan.VIEWS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Films:
    """The set as arrays, in the order of its manifest."""

    label: NDArray[np.str_]
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    fold: NDArray[np.intp]

    @classmethod
    def of(cls, cases: tuple[Case, ...]) -> Films:
        """From the rows of a manifest."""
        return cls(
            np.array([case.label for case in cases]),
            np.array([case.source for case in cases]),
            np.array([case.group for case in cases]),
            np.array([case.fold for case in cases]),
        )

    @property
    def view(self) -> NDArray[np.intp]:
        """Index into VIEWS."""
        return np.array([OF_LABEL[label] for label in self.label])


def by_patient(films: Films, which: NDArray[np.bool_], statistic: Statistic, *, seed: int = 1) -> Bootstrap:
    """`statistic` of indices of films among `which`, with an interval over patients."""
    index = np.flatnonzero(which)
    names = np.unique(films.group[index])
    members = [index[films.group[index] == name] for name in names]
    return bootstrap(
        lambda drawn: statistic(np.concatenate([members[i] for i in drawn])),
        len(members),
        seed=seed,
        draws=1000,
        method="percentile",
    )
