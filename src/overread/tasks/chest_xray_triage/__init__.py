"""Chest radiographs: abnormal or no abnormal finding, decided only where a site has calibrated."""

from overread.tasks.chest_xray_triage.task import TASK

__all__ = ["TASK"]
