"""Texts that name the patient never leave the reader; texts that only look like it do."""

from __future__ import annotations

import pydicom
import pytest

from overread.io import open_study
from overread.io.dicom.privacy import WITHHELD, Patient
from overread.io.dicom.tags import OddHeaderError

DOE = Patient(("DOE^JANE",), ("MRN4711", "12"), "19500203")


@pytest.mark.parametrize(
    ("patient", "text"),
    [
        (DOE, "CHEST DOE^JANE"),
        (DOE, "chest, jane"),
        (DOE, "Chest_Doe_1mm"),
        (DOE, "CHESTJANEDOE"),
        (DOE, "thorax mrn4711 b"),
        (DOE, "MRN-4711"),
        (DOE, "born 19500203"),
        (DOE, "1950-02-03"),
        (DOE, "*03.02.1950"),
        (DOE, "3.2.1950 Thorax"),
        (DOE, "02/03/1950"),
        (Patient(("Wu^Li",), (), ""), "CHEST Wu Li"),
        (Patient(("Ng^A",), (), ""), "NG CHEST"),
        (Patient(("Wu^Li",), (), ""), "CHEST-WULI"),
        (Patient(("王^小明",), (), ""), "CHEST 王小明"),
        (Patient(("Wang^XiaoMing=王^小明",), (), ""), "CHEST王小明"),
        (Patient(("Wang^XiaoMing=王^小明",), (), ""), "小明 胸部"),
        (Patient(("O'Brien^Mary-Ann",), (), ""), "obrien"),
        (Patient(("Müller^J",), (), ""), "MULLER THORAX"),
        (Patient(("", "Smith"), (), ""), "smith"),
        (Patient((), ("", "A-77-B"), ""), "scan a77b"),
    ],
)
def test_a_text_that_names_the_patient_is_withheld(patient, text):
    assert patient.withhold(text) == WITHHELD


@pytest.mark.parametrize(
    ("patient", "text"),
    [
        (Patient(("Chestnut^A",), ("77",), "19500203"), "A CHEST 77 1.0"),
        (DOE, "Does 1 mm, janeiro, 12 s, 119500203"),
        (Patient(("Wu^Li",), (), ""), "LIVER, WUERZBURG"),
        (Patient(("Li^N",), (), ""), "clinical"),
        (Patient(("Smith^John^^Mr",), (), ""), "MR THORAX"),
        (Patient(("王^小明",), (), ""), "王 CHEST"),
        (Patient(("",), ("",), ""), "CHEST"),
        (Patient(("^",), ("",), "unknown"), "unknown"),
    ],
)
def test_a_text_that_does_not_is_left_alone(patient, text):
    assert patient.withhold(text) == text


def test_a_patient_is_not_shown_by_accident():
    assert repr(DOE) == "Patient()"


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", "GBK"])
@pytest.mark.parametrize(
    ("name", "text"), [("DOE^JANE", "CHEST DOE^JANE"), ("王^小明", "CHEST 王小明"), ("Wu^Li", "Wu")]
)
def test_neither_study_nor_source_says_the_name(writer, stored, charset, name, text):
    def edit(dataset, n):
        dataset.SpecificCharacterSet = charset
        dataset.PatientName, dataset.SeriesDescription, dataset.ConvolutionKernel = name, text, "born 19010203"
        dataset.ManufacturerModelName = "secret-id"

    writer.edit = edit
    writer.write(stored)
    series = open_study(writer.folder).only()
    assert series.description == WITHHELD
    facts = series.source.facts
    assert (facts["series_description"], facts["kernel"], facts["model"]) == (WITHHELD,) * 3
    assert (facts["body_part"], facts["manufacturer"]) == ("CHEST", "Maker")


def test_headers_that_only_pydicom_reads_are_looked_through_too(writer, stored, monkeypatch):
    def odd(*args, **keywords):
        raise OddHeaderError

    def edit(dataset, n):
        dataset.SeriesDescription = "chest of Secret, N"

    writer.edit = edit
    writer.write(stored)
    monkeypatch.setattr("overread.io.dicom.header.walk", odd)
    assert open_study(writer.folder).only().description == WITHHELD


def test_other_names_count_and_a_body_part_tells_nothing(writer, stored):
    def edit(dataset, n):
        dataset.PatientName, dataset.OtherPatientNames = "Chest^A", ["X", "Roe^Ann"]
        dataset.OtherPatientIDs, dataset.SeriesDescription = "QQ-123", "of roe"
        dataset.ConvolutionKernel = "qq123"

    writer.edit = edit
    paths = writer.write(stored)
    facts = open_study(writer.folder).only().source.facts
    assert (facts["body_part"], facts["series_description"], facts["kernel"]) == ("CHEST", WITHHELD, WITHHELD)
    assert pydicom.dcmread(paths[0]).SeriesDescription == "of roe"


def test_a_description_in_cyrillic_is_read(writer, stored):
    def edit(dataset, n):
        dataset.SpecificCharacterSet, dataset.SeriesDescription = "ISO_IR 144", "Грудь 1 мм"

    writer.edit = edit
    writer.write(stored)
    assert open_study(writer.folder).only().description == "Грудь 1 мм"
