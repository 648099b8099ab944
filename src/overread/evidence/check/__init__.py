"""Checks of Segmentations and structured reports, ours or anyone's."""

from overread.evidence.check.objects import ResultObject, check_objects, find_objects
from overread.evidence.check.remarks import Level, ObjectCheck, Recomputed, Remark

__all__ = ["Level", "ObjectCheck", "Recomputed", "Remark", "ResultObject", "check_objects", "find_objects"]
