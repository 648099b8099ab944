"""Chest radiographs: view and quality."""

from overread.tasks.chest_xray_view.task import TASK

__all__ = ["TASK"]
