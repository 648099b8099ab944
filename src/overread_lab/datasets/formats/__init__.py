"""Readers of public formats as they lie on disk: each makes a folder with manifest.csv."""

from overread_lab.datasets.formats.make import ImportReport, import_set
from overread_lab.datasets.formats.table import FORMATS, Format, format_named
from overread_lab.datasets.formats.writer import LeftOut

__all__ = ["FORMATS", "Format", "ImportReport", "LeftOut", "format_named", "import_set"]
