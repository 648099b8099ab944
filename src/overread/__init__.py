"""overread: a second reader that shows its working.

A folder of medical images goes in; measured findings with error bars come out, in forms that hospitals and
researchers can open. Importing this package loads nothing but the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overread._version import __version__

if TYPE_CHECKING:
    from overread.workflow import analyze, inspect, simulate, tasks, verify
    from overread.workflow import open_study as open  # noqa: A004

__all__ = ["__version__", "analyze", "inspect", "open", "simulate", "tasks", "verify"]

_VERBS = {"open": "open_study"}


def __getattr__(name: str) -> Any:
    """Public verbs load on first use, so that start-up and `--help` stay quick."""
    if name in __all__:
        import overread.workflow as verbs  # noqa: PLC0415

        return getattr(verbs, _VERBS.get(name, name))
    raise AttributeError(f"module 'overread' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
