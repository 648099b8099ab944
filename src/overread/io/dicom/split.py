"""Stacks that share one series UID told apart: planes, echoes, times, b-values, phases, image types, acquisitions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from overread.io.dicom.header import Header, Shared
from overread.io.dicom.planes import Plane, plane_words, planes_of

SAME_PLACE_DECIMALS = 2


class Part(NamedTuple):
    """One stack of a series UID, and the strays that were set apart from it; both name themselves in `Shared.stack`."""

    headers: list[Header]
    strays: list[Header]


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
_COPYING = "acquisition"
"""The trait by which a copy of a whole stack may differ from it."""


def _never(first: Header, second: Header) -> bool:
    return False


def split_stacks(headers: Sequence[Header], same_pixels: Callable[[Header, Header], bool] = _never) -> list[Part]:
    """Headers of one series UID as stacks in which no place occurs twice.

    They are first parted by plane and size: each is a stack, and the few slices of a plane that hold at most a tenth
    of the largest one are strays, numbered behind the stacks; a single stack beside them keeps the UID for its name.
    Then a trait, or a pair of traits, is taken as the cause when it makes exactly as
    many stacks as pictures share a place, none of them smaller than half of the largest: a few slices apart stay.
    Without such a trait all stay together. Stacks of several acquisitions in which each picture is a copy of that at
    the same place stay together too; `same_pixels` tells, and is asked only there.
    """
    planes, strays = planes_of(headers)
    many = len(planes) > 1
    parts = [
        (", ".join(word for word in (plane_words(plane) if many else "", words) if word), group)
        for plane in planes
        for words, group in _told_apart(plane, same_pixels)
    ]
    if len(parts) == 1 and not strays:
        return [Part(list(headers), [])]
    count = len(parts)
    stacks = [
        named(stack, number, ", ".join([f"part {number} of {count}", *([words] if words else [])]))
        for number, (words, stack) in enumerate(parts, start=1)
    ]
    if count == 1:  # a stack that keeps its name, whatever went astray beside it
        stacks = [parts[0][1]]
    apart = [named(plane, n, f"set apart, {plane_words(plane)}") for n, plane in enumerate(strays, start=count + 1)]
    stray = [header for plane in apart for header in plane]
    return [*(Part(stack, stray) for stack in stacks), *(Part(plane, []) for plane in apart)]


def _told_apart(headers: Plane, same_pixels: Callable[[Header, Header], bool]) -> list[tuple[str, Plane]]:
    """Stacks with the words that tell each apart; no words where all stay together."""
    most = max(Counter(map(_place, headers)).values())
    if most > 1:
        for words, groups in _ways(headers):
            stacks = list(groups.values())
            if len(groups) == most and _are_stacks(stacks):
                if words == _COPYING and _are_copies(stacks, same_pixels):
                    break
                ordered = sorted(groups.items(), key=lambda one: _rank(one[0]))
                return [(f"{words} {' and '.join(values)}", group) for values, group in ordered]
    return [("", headers)]


def _ways(headers: Plane) -> Iterator[tuple[str, dict[tuple[str, ...], Plane]]]:
    singles = [(trait,) for trait in TRAITS]
    for traits in (*singles, *combinations(TRAITS, 2)):
        groups: dict[tuple[str, ...], Plane] = defaultdict(list)
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


def named(group: Plane, number: int, name: str) -> Plane:
    """The same headers as stack `number` of their series UID, under a name."""
    made: dict[int, Shared] = {}
    for header in group:
        if id(header.shared) not in made:
            made[id(header.shared)] = replace(header.shared, stack=name, stack_number=number)
    return [header._replace(shared=made[id(header.shared)]) for header in group]


def _place(header: Header) -> tuple[float, ...]:
    places = (*header.position_lps, *header.shared.orientation)
    return tuple([round(v, SAME_PLACE_DECIMALS) for v in places])


def _are_stacks(groups: list[Plane]) -> bool:
    sizes = [len(group) for group in groups]
    return 2 * min(sizes) >= max(sizes) and all(len(set(map(_place, group))) == len(group) for group in groups)


def _are_copies(groups: list[Plane], same_pixels: Callable[[Header, Header], bool]) -> bool:
    """Whether all stacks show the same pictures at the same places; ends at the first that differs."""
    first, *others = [{_place(header): header for header in group} for group in groups]
    return all(
        one.keys() == first.keys() and all(same_pixels(first[place], one[place]) for place in first) for one in others
    )
