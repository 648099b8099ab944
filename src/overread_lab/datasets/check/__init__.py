"""Checks of a set before anything is trained or measured on it."""

from overread_lab.datasets.check.report import Level, Probe, Remark, SetReport
from overread_lab.datasets.check.whole import check_set

__all__ = ["Level", "Probe", "Remark", "SetReport", "check_set"]
