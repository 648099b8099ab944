"""Who says what a reading says: task, versions, every parameter, digests of weights. The same for every task."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from overread.cards import TaskCard
from overread.findings import Provenance
from overread.findings.identity import digest_uid


def provenance_of(
    card: TaskCard,
    plan: Mapping[str, object],
    *,
    libraries: tuple[str, ...],
    weights: Mapping[str, str] | None = None,
) -> Provenance:
    """Of the task on a card.

    Parameters
    ----------
    plan : mapping
        Every number that it decides by.
    libraries : tuple of str
        Distributions whose version bears on the numbers, beside overread and numpy.
    weights : mapping, optional
        Name of a file to its digest; those on the card unless the task uses others too.
    """
    used = dict(card.weights if weights is None else weights)
    return Provenance(
        task=card.name,
        task_version=card.version,
        versions={name: version(name) for name in ("overread", "numpy", *libraries)},
        plan=dict(plan),
        weights=used,
        device_uid=digest_uid("device", card.name, card.version, repr(dict(plan)), repr(sorted(used.items()))),
    )
