"""Hippocampus on MR: outline, anterior and posterior part, volumes with intervals."""

from overread.tasks.brain_mr_hippocampus.task import TASK

__all__ = ["TASK"]
