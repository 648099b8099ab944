"""Scores with exact definitions: what is counted, what is undefined and why. Not what is scored, nor how it is drawn.

Rules for all: inputs are checked (shape, finite); NaN input raises `UsageError` and never spreads silently. A score
that has no meaning for its input is NaN with a reason in `note`. Intervals are 95 % unless said.
"""

from overread_lab.metrics.agreement import BlandAltman, bland_altman
from overread_lab.metrics.auc import Auc, AucDifference, Roc, area, auc, auc_by_group, compare_auc, macro_auc, roc
from overread_lab.metrics.average import Average, Score, average
from overread_lab.metrics.bootstrap import Bootstrap, bootstrap
from overread_lab.metrics.calibration import (
    CalibrationError,
    CalibrationLine,
    ReliabilityBin,
    ace,
    calibration_line,
    ece,
    reliability,
)
from overread_lab.metrics.category import SetCoverage, set_coverage
from overread_lab.metrics.confusion import (
    BalancedAccuracy,
    BinaryCounts,
    TopClass,
    balanced_accuracy,
    binary_counts,
    confusion_matrix,
    restated_npv,
    restated_ppv,
    top_class,
)
from overread_lab.metrics.decision import DecisionCurve, decision_curve, net_benefit
from overread_lab.metrics.detection import ScanOutcome, match_candidates
from overread_lab.metrics.froc import CPM_RATES, Froc, cpm_interval, froc, sensitivity_interval
from overread_lab.metrics.geometry import (
    AngleErrors,
    LandmarkErrors,
    angle_difference_deg,
    angle_errors,
    landmark_errors,
    range_of_motion_deg,
)
from overread_lab.metrics.image_quality import EdgeSpread, edge_spread, gain_over_best, psnr_db, speckle_snr, ssim
from overread_lab.metrics.intervals import Coverage, conformal_quantile, coverage, coverage_by_bin, interval_score
from overread_lab.metrics.kappa import kappa
from overread_lab.metrics.mesh import MeshDistances, mesh_distances
from overread_lab.metrics.overlap import dice, dice_pooled, iou, per_class, require_possible_means
from overread_lab.metrics.paired import ItemStatistic, PairedComparison, holm, mean_of_items, paired_comparison
from overread_lab.metrics.precision import average_precision, detection_precision
from overread_lab.metrics.probabilities import RSNA_LABELS, LogLoss, brier, brier_skill, log_loss, rsna_log_loss
from overread_lab.metrics.proportion import exact, proportion, wilson
from overread_lab.metrics.raters import IntraclassCorrelation, concordance, icc
from overread_lab.metrics.surface import SurfaceDistances, surface_distances
from overread_lab.metrics.symmetry import SymmetryAgreement, outline_agreement, symmetry_agreement
from overread_lab.metrics.volume import VolumeErrors, log_ratio, relative_error, volume_errors

__all__ = [
    "CPM_RATES",
    "RSNA_LABELS",
    "AngleErrors",
    "Auc",
    "AucDifference",
    "Average",
    "BalancedAccuracy",
    "BinaryCounts",
    "BlandAltman",
    "Bootstrap",
    "CalibrationError",
    "CalibrationLine",
    "Coverage",
    "DecisionCurve",
    "EdgeSpread",
    "Froc",
    "IntraclassCorrelation",
    "ItemStatistic",
    "LandmarkErrors",
    "LogLoss",
    "MeshDistances",
    "PairedComparison",
    "ReliabilityBin",
    "Roc",
    "ScanOutcome",
    "Score",
    "SetCoverage",
    "SurfaceDistances",
    "SymmetryAgreement",
    "TopClass",
    "VolumeErrors",
    "ace",
    "angle_difference_deg",
    "angle_errors",
    "area",
    "auc",
    "auc_by_group",
    "average",
    "average_precision",
    "balanced_accuracy",
    "binary_counts",
    "bland_altman",
    "bootstrap",
    "brier",
    "brier_skill",
    "calibration_line",
    "compare_auc",
    "concordance",
    "conformal_quantile",
    "confusion_matrix",
    "coverage",
    "coverage_by_bin",
    "cpm_interval",
    "decision_curve",
    "detection_precision",
    "dice",
    "dice_pooled",
    "ece",
    "edge_spread",
    "exact",
    "froc",
    "gain_over_best",
    "holm",
    "icc",
    "interval_score",
    "iou",
    "kappa",
    "landmark_errors",
    "log_loss",
    "log_ratio",
    "macro_auc",
    "match_candidates",
    "mean_of_items",
    "mesh_distances",
    "net_benefit",
    "outline_agreement",
    "paired_comparison",
    "per_class",
    "proportion",
    "psnr_db",
    "range_of_motion_deg",
    "relative_error",
    "reliability",
    "require_possible_means",
    "restated_npv",
    "restated_ppv",
    "roc",
    "rsna_log_loss",
    "sensitivity_interval",
    "set_coverage",
    "speckle_snr",
    "ssim",
    "surface_distances",
    "symmetry_agreement",
    "top_class",
    "volume_errors",
    "wilson",
]
