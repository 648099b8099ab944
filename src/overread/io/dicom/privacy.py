"""Texts of a header that name the patient are withheld here. Does not decide which texts are looked at."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

WITHHELD = "(withheld)"
_TITLES = frozenset(("mr", "mrs", "ms", "dr", "prof", "md", "phd", "jr", "sr", "ii", "iii"))
# "Mr" would withhold every "MR"
_GLUED = 5  # letters from which a whole name or an identifier is also found inside a longer word
_IDEOGRAPHS = 0x2E80  # from here on words stand without spaces between them


@dataclass(frozen=True, slots=True)
class Patient:
    """What a header calls the patient; never shown. `birth_date` is YYYYMMDD or anything that is no date."""

    names: tuple[str, ...] = field(repr=False)
    identifiers: tuple[str, ...] = field(repr=False)
    birth_date: str = field(repr=False)

    def is_named_in(self, text: str) -> bool:
        """Whether `text` holds a part of a name of at least two letters as a word, a whole name, an identifier of at
        least three characters, or the birth date; in any case, and whatever separates the parts."""
        words = _words(text)
        lone = {*words, *re.findall(r"[^\W\d_]+", _folded(text))}
        if any(not lone.isdisjoint(_parts(name)) for name in self.names):
            return True
        whole = {one for name in self.names for one in _wholes(name)}
        whole |= {one for text_of_id in self.identifiers if len(one := "".join(_words(text_of_id))) >= 3}
        return any(_holds(words, one) for one in whole) or _holds_date(text, self.birth_date)

    def withhold(self, text: str) -> str:
        """`text`, or "(withheld)" where it names the patient."""
        return WITHHELD if self.is_named_in(text) else text


@lru_cache(maxsize=1024)
def _folded(text: str) -> str:
    """Without case, accents and widths."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", plain).casefold()


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in _folded(text)).split()


def _groups(name: str) -> list[str]:
    """The spellings of a name (PS3.5 6.2.1.1: alphabetic=ideographic=phonetic)."""
    return [group for group in name.split("=") if "\x1b" not in group]


def _parts(name: str) -> set[str]:
    """Each word of a name, and each component without its hyphens and apostrophes."""
    found = {word for group in _groups(name) for word in _words(group)}
    found |= {"".join(_words(part)) for group in _groups(name) for part in re.split(r"[\^\s]+", group)}
    return {word for word in found - _TITLES if len(word) >= 2 and not word.isdigit()}


def _wholes(name: str) -> set[str]:
    """Each spelling of a whole name in one word: family name first, and last; and parts that need no space around."""
    found = {part for part in _parts(name) if _is_ideographic(part)}
    for group in _groups(name):
        parts = ["".join(_words(part)) for part in group.split("^")]
        found |= {"".join(parts), "".join(parts[:2]), "".join(parts[1::-1])}
    return {word for word in found if len(word) >= (3 if word.isdigit() else 2)}


def _is_ideographic(word: str) -> bool:
    return bool(word) and ord(max(word)) >= _IDEOGRAPHS


def _holds(words: list[str], whole: str) -> bool:
    """Whether neighbouring words spell `whole`; inside longer words too where that can hardly be chance."""
    if len(whole) >= _GLUED or _is_ideographic(whole):
        return whole in "".join(words)
    return any("".join(words[a:b]) == whole for a in range(len(words)) for b in range(a + 1, len(words) + 1))


def _holds_date(text: str, birth_date: str) -> bool:
    """Whether the date is there in the order of ISO, of Europe or of the USA, with or without separators."""
    if not re.fullmatch(r"\d{8}", birth_date):
        return False
    year, month, day = birth_date[:4], birth_date[4:6], birth_date[6:]
    month, day = (f"0?{two[1]}" if two[0] == "0" else two for two in (month, day))
    orders = ((year, month, day), (day, month, year), (month, day, year))
    ways = "|".join(r"[-./ ]?".join(order) for order in orders)
    return re.search(rf"(?<!\d)(?:{ways})(?!\d)", text) is not None
