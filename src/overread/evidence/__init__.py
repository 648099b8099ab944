"""A reading to files that others can open: JSON, CSV, pictures, DICOM SEG and SR, report; each read back."""

from overread.evidence.dicom.seg import SegForm
from overread.evidence.manifest import Difference, check_manifest, differences, read_manifest
from overread.evidence.result_json import SCHEMA, read_result
from overread.evidence.write import write

__all__ = ["SCHEMA", "Difference", "SegForm", "check_manifest", "differences", "read_manifest", "read_result", "write"]
