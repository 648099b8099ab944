"""What the study takes from inside the recipe of the task, so that machines are compared by its own steps."""

from __future__ import annotations

from overread_lab.recipes.hippocampus_fit import FitPlan
from overread_lab.recipes.hippocampus_fit import _best_threshold as best_threshold
from overread_lab.recipes.hippocampus_fit import _labels as labels_of
from overread_lab.recipes.hippocampus_fit import _plane_rule as plane_rule
from overread_lab.recipes.hippocampus_fit import _Ready as Ready
from overread_lab.recipes.hippocampus_fit import _truth as true_cut
from overread_lab.studies.hippocampus import _some as some

__all__ = ["FitPlan", "Ready", "best_threshold", "labels_of", "plane_rule", "some", "true_cut"]
