"""Chest CT nodules: find, verify, measure with intervals, type, categorise."""

from overread.tasks.chest_ct_nodule.task import TASK

__all__ = ["TASK"]
