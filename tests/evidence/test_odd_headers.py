"""Header values that break the standard, as archives hold them, do not cost the results."""

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.uid import JPEGLSNearLossless

from overread.evidence.dicom.headers import read_headers
from overread.evidence.dicom.identity import Stamp
from overread.evidence.dicom.seg import SegForm, build_seg
from overread.evidence.segments import place_on_frames
from overread.geometry import axial_grid
from overread.image import Intensity, Volume
from overread.io import open_study
from overread.phantoms.dicom_series import write_series


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientBirthDate", "DA", "00000000"),
        ("StudyDate", "DA", "2020-01-02"),
        ("StudyTime", "TM", "12:30:00"),
        ("StudyTime", "TM", "240000"),
        ("PatientSex", "CS", "FEMALE"),
    ],
)
def test_unreadable_value_is_emptied_in_the_copy_and_said(tmp_path, keyword, vr, value):
    grid = axial_grid((3, 12, 10), spacing_mm=(2.5, 0.8, 0.7))
    files = write_series(Volume(np.zeros(grid.shape, np.int16), grid, Intensity.HU), tmp_path / "scan", seed=1)
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset[keyword] = DataElement(keyword, vr, value, validation_mode=pydicom.config.IGNORE)
        dataset.save_as(file)
    frames = open_study(tmp_path / "scan").series[0].source.frames
    headers = read_headers(frames, gap_mm=2.5)
    assert not headers.first.get(keyword)
    assert any(keyword in note and "emptied" in note for note in headers.notes)


def test_a_lossy_transfer_syntax_without_the_tag_is_said_in_seg(case):
    reading = case.reading
    mask = place_on_frames(reading.segments, reading.source.frames, repaired=False)
    headers = read_headers(mask.frames, gap_mm=3.0)
    stamp = Stamp.make(b"", headers.first)
    assert build_seg(reading, mask, headers, stamp, SegForm.BINARY)[0].LossyImageCompression == "00"
    headers.datasets[4].file_meta.TransferSyntaxUID = JPEGLSNearLossless
    assert build_seg(reading, mask, headers, stamp, SegForm.BINARY)[0].LossyImageCompression == "01"
