"""Files that pages hold inline, and the digests that allow them."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files


def asset(name: str) -> tuple[str, str]:
    """A file of ours as it stands, and its digest for the content security policy."""
    text = files("overread.evidence.page").joinpath(name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"sha256-{digest}"
