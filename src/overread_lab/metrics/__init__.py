"""Scores with exact definitions: what is counted, what is undefined and why. Not what is scored, nor how it is drawn.

Rules for all: inputs are checked (shape, finite); NaN input raises `UsageError` and never spreads silently. A score
that has no meaning for its input is NaN with a reason in `note`. Intervals are 95 % unless said.
"""

from overread_lab.metrics.agreement import BlandAltman, bland_altman
from overread_lab.metrics.average import Average, Score, average
from overread_lab.metrics.bootstrap import Bootstrap, bootstrap
from overread_lab.metrics.category import SetCoverage, set_coverage
from overread_lab.metrics.detection import ScanOutcome, match_candidates
from overread_lab.metrics.froc import CPM_RATES, Froc, cpm_interval, froc, sensitivity_interval
from overread_lab.metrics.intervals import Coverage, conformal_quantile, coverage, coverage_by_bin, interval_score
from overread_lab.metrics.overlap import dice, dice_pooled, iou, per_class, require_possible_means
from overread_lab.metrics.proportion import exact, proportion, wilson
from overread_lab.metrics.volume import VolumeErrors, log_ratio, relative_error, volume_errors

__all__ = [
    "CPM_RATES",
    "Average",
    "BlandAltman",
    "Bootstrap",
    "Coverage",
    "Froc",
    "ScanOutcome",
    "Score",
    "SetCoverage",
    "VolumeErrors",
    "average",
    "bland_altman",
    "bootstrap",
    "conformal_quantile",
    "coverage",
    "coverage_by_bin",
    "cpm_interval",
    "dice",
    "dice_pooled",
    "exact",
    "froc",
    "interval_score",
    "iou",
    "log_ratio",
    "match_candidates",
    "per_class",
    "proportion",
    "relative_error",
    "require_possible_means",
    "sensitivity_interval",
    "set_coverage",
    "volume_errors",
    "wilson",
]
