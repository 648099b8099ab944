"""Values of a data set that may lack anything: nothing here raises for what a file says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from overread.io.quiet import quiet


def value(item: Dataset, keyword: str) -> Any:
    """The value; None where it is absent or cannot be read."""
    try:
        with quiet("pydicom"):
            return item.get(keyword)
    except Exception:  # noqa: BLE001  (a damaged value can fail anywhere in the parser; that it is missing is said)
        return None


def text(item: Dataset, keyword: str) -> str:
    """The value as text without spaces around it; "" where it is absent, empty or cannot be read."""
    found = value(item, keyword)
    return "" if found is None else str(found).strip()


def sequence(item: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where it is absent, empty or no sequence."""
    found = value(item, keyword)
    return [one for one in found if isinstance(one, Dataset)] if isinstance(found, Sequence) else []


def first(item: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence, if there is one."""
    return next(iter(sequence(item, keyword)), None)


def numbers(item: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """The finite numbers of a value; None where it is absent, not of numbers, or not `count` of them."""
    found = value(item, keyword)
    if found is None or found == "":
        return None
    many = list(found) if isinstance(found, (MultiValue, list, tuple)) else [found]
    try:
        parsed = tuple(float(one) for one in many)
    except (TypeError, ValueError):
        return None
    right = all(math.isfinite(one) for one in parsed) and count in (None, len(parsed))
    return parsed if right else None


def number(item: Dataset, keyword: str) -> float | None:
    """One finite number, or None."""
    found = numbers(item, keyword, 1)
    return None if found is None else found[0]


def whole(item: Dataset, keyword: str) -> int | None:
    """One whole number, or None."""
    found = number(item, keyword)
    return int(found) if found is not None and found == int(found) else None


def code_of(item: Dataset | None) -> tuple[str, str]:
    """(value, scheme) of a code item; empty strings where there is none."""
    if item is None:
        return "", ""
    code = text(item, "CodeValue") or text(item, "LongCodeValue") or text(item, "URNCodeValue")
    return code, text(item, "CodingSchemeDesignator")


def concept(item: Dataset) -> tuple[str, str]:
    """(value, scheme) of the name of a content item."""
    return code_of(first(item, "ConceptNameCodeSequence"))


def meaning(item: Dataset) -> str:
    """What the name of a content item means, in its own words."""
    named = first(item, "ConceptNameCodeSequence")
    return text(named, "CodeMeaning") if named is not None else ""


def children(item: Dataset) -> list[Dataset]:
    """Content items below a content item."""
    return sequence(item, "ContentSequence")


def all_items(item: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """A content item and everything below it; no deeper than Python's own limit allows."""
    yield item
    if depth < 100:
        for child in children(item):
            yield from all_items(child, depth + 1)


def references(dataset: Dataset, depth: int = 0) -> Iterator[Dataset]:
    """Every item anywhere in the data set that names a SOP instance."""
    if depth > 100:
        return
    if text(dataset, "ReferencedSOPInstanceUID"):
        yield dataset
    for tag in list(dataset.keys()):
        keyword = pydicom.datadict.keyword_for_tag(tag)
        if keyword and dataset.get_item(tag) is not None and _is_sequence(dataset, tag):
            for one in sequence(dataset, keyword):
                yield from references(one, depth + 1)


def _is_sequence(dataset: Dataset, tag: Any) -> bool:
    element = dataset.get_item(tag)
    return getattr(element, "VR", None) == "SQ" or isinstance(getattr(element, "value", None), Sequence)
