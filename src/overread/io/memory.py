"""Whether an array fits before it is made."""

from __future__ import annotations

import os
from pathlib import Path

from overread.errors import ResourceError
from overread.runtime import Runtime

_MEMINFO = Path("/proc/meminfo")


def available_bytes() -> int | None:
    """Memory that can be had without swapping, else all there is; None where the system says neither."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not POSIX
        return None


def require_memory(need_bytes: int, runtime: Runtime, where: str) -> None:
    """Raise `ResourceError` when an array of `need_bytes` fits neither the machine nor the limit of `runtime`."""
    limits = [limit for limit in (available_bytes(), runtime.max_memory_bytes) if limit is not None]
    if limits and need_bytes > min(limits):
        raise ResourceError(
            f"its pixels need {need_bytes / 2**20:.0f} MiB, and {min(limits) / 2**20:.0f} MiB may be used",
            where=where,
            way_out="Check that the size in the header is true; else use a machine with more memory.",
        )
