"""List tasks: what this installation can read, with the card of each."""

from __future__ import annotations

from overread.cards import TaskCard
from overread.tasks import find_task, task_names


def list_tasks() -> tuple[TaskCard, ...]:
    """The cards of all installed tasks, by name."""
    return tuple(find_task(name).card() for name in task_names())
