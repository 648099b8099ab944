"""Stacks that share one series UID told apart: echoes, times, b-values, phases, image types, acquisitions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from overread.io.dicom.header import Header, Shared

SAME_PLACE_DECIMALS = 2


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:g}"


TRAITS: tuple[tuple[str, Callable[[Shared], str]], ...] = (
    ("stack", lambda s: s.stack_id),
    ("echo time, ms", lambda s: _number(s.echo_time_ms)),
    ("echo", lambda s: s.echo_number),
    ("b-value, s/mm2", lambda s: _number(s.b_value)),
    ("gradient", lambda s: " ".join(f"{v:.3g}" for v in s.gradient)),
    ("time", lambda s: s.temporal_position),
    ("image type", lambda s: s.image_type),
    ("acquisition", lambda s: s.acquisition_number),
    ("trigger time, ms", lambda s: _number(s.trigger_time_ms)),
)
"""What may tell stacks apart, most telling first: (words, value)."""


def split_stacks(headers: Sequence[Header]) -> list[list[Header]]:
    """Headers of one series UID as stacks in which no place occurs twice; each names itself in `Shared.stack`.

    Frames of multi-frame objects are first parted by orientation. Then a trait, or a pair of traits, is taken as the
    cause when it makes exactly as many stacks as pictures share a place, none of them smaller than half of the
    largest: a few slices apart are strays, not a stack. Without such a trait all stay together.
    """
    parts = [part for group in _directions(headers) for part in _told_apart(group)]
    if len(parts) == 1:
        return [list(headers)]
    return [
        _named(stack, number, ", ".join([f"part {number} of {len(parts)}", *([words] if words else [])]))
        for number, (words, stack) in enumerate(parts, start=1)
    ]


def _directions(headers: Sequence[Header]) -> list[list[Header]]:
    groups: dict[tuple[float, ...], list[Header]] = defaultdict(list)
    for header in headers:
        orientation = header.shared.orientation if header.shared.frames > 1 else ()
        groups[tuple(round(cosine, 3) for cosine in orientation)].append(header)
    return list(groups.values())


def _told_apart(headers: list[Header]) -> list[tuple[str, list[Header]]]:
    """Stacks with the words that tell each apart; no words where all stay together."""
    most = max(Counter(map(_place, headers)).values())
    if most > 1:
        for words, groups in _ways(headers):
            if len(groups) == most and _are_stacks(list(groups.values())):
                ordered = sorted(groups.items(), key=lambda one: _rank(one[0]))
                return [(f"{words} {' and '.join(values)}", group) for values, group in ordered]
    return [("", headers)]


def _ways(headers: Sequence[Header]) -> Iterator[tuple[str, dict[tuple[str, ...], list[Header]]]]:
    singles = [(trait,) for trait in TRAITS]
    for traits in (*singles, *combinations(TRAITS, 2)):
        groups: dict[tuple[str, ...], list[Header]] = defaultdict(list)
        for header in headers:
            groups[tuple(value(header.shared) for _, value in traits)].append(header)
        yield " and ".join(words for words, _ in traits), groups


def _rank(values: tuple[str, ...]) -> tuple[tuple[float, str], ...]:
    """Numbers in their order, before words."""

    def one(text: str) -> tuple[float, str]:
        try:
            return float(text), ""
        except ValueError:
            return math.inf, text

    return tuple(one(text) for text in values)


def _named(group: list[Header], number: int, name: str) -> list[Header]:
    made: dict[int, Shared] = {}
    for header in group:
        if id(header.shared) not in made:
            made[id(header.shared)] = replace(header.shared, stack=name, stack_number=number)
    return [header._replace(shared=made[id(header.shared)]) for header in group]


def _place(header: Header) -> tuple[float, ...]:
    places = (*header.position_lps, *header.shared.orientation)
    return tuple([round(v, SAME_PLACE_DECIMALS) for v in places])


def _are_stacks(groups: list[list[Header]]) -> bool:
    sizes = [len(group) for group in groups]
    return 2 * min(sizes) >= max(sizes) and all(len(set(map(_place, group))) == len(group) for group in groups)
