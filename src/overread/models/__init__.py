"""Learned models as files with a digest, and what makes their answers trustworthy; no fitting library is needed."""

from overread.models.conformal import ClassSets, Decision, ThreeWay, conformal_quantile, coverage_range
from overread.models.ensemble import mean_and_sd
from overread.models.evidence_map import class_activation, contrast, occlusion
from overread.models.forest import Forest, read_forests, write_forests
from overread.models.gate import FeatureLimit, Likeness, ScopeGate
from overread.models.linear import LinearHead, read_heads, write_heads
from overread.models.network import Network, Port
from overread.models.site import Gain, QuestionCalibration, SiteAnswer, SiteFile
from overread.models.subspace import Subspace, fit_subspace, read_subspace, write_subspace
from overread.models.temperature import Temperature
from overread.models.tiles import Blend, TilePlan, tiled, tiled_bands
from overread.models.venn_abers import VennAbers

__all__ = [
    "Blend",
    "ClassSets",
    "Decision",
    "FeatureLimit",
    "Forest",
    "Gain",
    "Likeness",
    "LinearHead",
    "Network",
    "Port",
    "QuestionCalibration",
    "ScopeGate",
    "SiteAnswer",
    "SiteFile",
    "Subspace",
    "Temperature",
    "ThreeWay",
    "TilePlan",
    "VennAbers",
    "class_activation",
    "conformal_quantile",
    "contrast",
    "coverage_range",
    "fit_subspace",
    "mean_and_sd",
    "occlusion",
    "read_forests",
    "read_heads",
    "read_subspace",
    "tiled",
    "tiled_bands",
    "write_forests",
    "write_heads",
    "write_subspace",
]
