"""UIDs by digest: the same content gives the same UID, on any day and machine."""

from __future__ import annotations

import uuid

_ROOT = uuid.UUID("6f1f1c0e-4f4c-5d0c-9a53-0a1d6b0c7e11")
"""Namespace of overread's name-based UUIDs (RFC 9562, version 5); arbitrary but fixed."""


def digest_uid(*parts: str) -> str:
    """A DICOM UID under 2.25 (PS3.5 B.2) made from `parts`; at most 44 characters."""
    return f"2.25.{uuid.uuid5(_ROOT, chr(31).join(parts)).int}"
