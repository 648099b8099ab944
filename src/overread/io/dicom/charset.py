"""The character set of a header's texts. Code extensions by escape sequences are not followed."""

from __future__ import annotations

import re

_BY_NUMBER = {
    "13": "shift_jis",
    "100": "latin-1",
    "101": "iso8859-2",
    "109": "iso8859-3",
    "110": "iso8859-4",
    "126": "iso8859-7",
    "127": "iso8859-6",
    "138": "iso8859-8",
    "144": "iso8859-5",
    "148": "iso8859-9",
    "166": "iso8859-11",
    "192": "utf-8",
    "203": "iso8859-15",
}
_BY_NAME = {"GB18030": "gb18030", "GBK": "gbk"}


def codec_of(charset: bytes) -> str:
    """Python's name of the codec for a value of Specific Character Set (0008,0005); Latin 1 where unknown."""
    first = charset.decode("latin-1").split("\\")[0].strip(" \0")
    number = re.fullmatch(r"ISO(?:_IR| 2022 IR) (\d+)", first)
    return _BY_NUMBER.get(number[1], "latin-1") if number else _BY_NAME.get(first, "latin-1")
