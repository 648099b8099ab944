"""Fits a task's probabilities to the cases of a site. Learns no new weights and needs no torch."""

from overread_lab.calibrate.calibrate import Calibration, Change, calibrate

__all__ = ["Calibration", "Change", "calibrate"]
