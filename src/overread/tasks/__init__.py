"""Tasks: a clinical question with fixed inputs and outputs. A task knows nothing of files or reports."""

from overread.tasks.contract import Task
from overread.tasks.registry import find_task, task_names

__all__ = ["Task", "find_task", "task_names"]
