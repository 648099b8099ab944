"""Narrow-band level sets after Chan & Vese 2001 (HX 2.3), in two and three dimensions."""

from overread.ops.level_set.evolution import Ending, LevelSet, LevelSetPlan, level_set

__all__ = ["Ending", "LevelSet", "LevelSetPlan", "level_set"]
