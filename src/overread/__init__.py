"""overread: a second reader that shows its working.

A folder of medical images goes in; measured findings with error bars come out, in forms that hospitals and
researchers can open. Importing this package loads nothing but the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overread._version import __version__

if TYPE_CHECKING:
    from overread.io import open_study as open  # noqa: A004
    from overread.workflow.analyze import analyze
    from overread.workflow.demo import demo
    from overread.workflow.enhance import enhance
    from overread.workflow.inspect import inspect
    from overread.workflow.simulate import simulate
    from overread.workflow.tasks import list_tasks
    from overread.workflow.validate import validate
    from overread.workflow.verify import verify

_VERBS = {
    "open": ("overread.io", "open_study"),
    "analyze": ("overread.workflow.analyze", "analyze"),
    "demo": ("overread.workflow.demo", "demo"),
    "enhance": ("overread.workflow.enhance", "enhance"),
    "inspect": ("overread.workflow.inspect", "inspect"),
    "list_tasks": ("overread.workflow.tasks", "list_tasks"),  # `overread.tasks` is the package
    "simulate": ("overread.workflow.simulate", "simulate"),
    "validate": ("overread.workflow.validate", "validate"),
    "verify": ("overread.workflow.verify", "verify"),
}

__all__ = [
    "__version__",
    "analyze",
    "demo",
    "enhance",
    "inspect",
    "list_tasks",
    "open",
    "simulate",
    "validate",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Public verbs load on first use, so that start-up and `--help` stay quick."""
    if name in _VERBS:
        from importlib import import_module  # noqa: PLC0415

        module, attribute = _VERBS[name]
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module 'overread' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
