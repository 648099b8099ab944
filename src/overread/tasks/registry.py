"""Finds tasks by name through entry points; any installed distribution may add one."""

from __future__ import annotations

from importlib.metadata import entry_points

from overread.errors import IntegrityError, UsageError
from overread.tasks.contract import Task

GROUP = "overread.tasks"


def task_names() -> tuple[str, ...]:
    """Names of all installed tasks, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def find_task(name: str) -> Task:
    """The task of this name.

    Raises
    ------
    UsageError
        No such task; the message lists those installed.
    IntegrityError
        The entry point does not lead to a task.
    """
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            task = entry.load()
            if not isinstance(task, Task):
                raise IntegrityError(f"entry point {entry.value} is not a task", where=name)
            return task
    known = ", ".join(task_names()) or "none"
    raise UsageError(f"there is no task {name!r}", way_out=f"Installed tasks: {known}. See `overread tasks`.")
