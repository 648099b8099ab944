"""A small CT series of our own and a reading of it: two nodules, anisotropic in all three axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from overread.evidence import write
from overread.findings import (
    Code,
    Component,
    Descriptor,
    Finding,
    Interval,
    Laterality,
    Line,
    Measurement,
    Provenance,
    Quality,
    Reading,
    Reason,
    Scope,
    ScopeAnswer,
)
from overread.findings.codes import ABNORMAL_STRUCTURE, LUNG, NODULE
from overread.geometry import Grid, Verdict, axial_grid
from overread.image import LabelMap, Source, SourceFrame, Volume, Window
from overread.image.volume import Intensity
from overread.image.window import PULMONARY_PAPER, SOFT_TISSUE

PATIENT = {"PatientName": "DOE^JANE", "PatientID": "MRN4711XYZ", "PatientBirthDate": "19500203"}


@dataclass(frozen=True)
class Case:
    """A reading, the image it is of, and what is known of both."""

    reading: Reading
    image: Volume


def frame_header(
    n: int, position: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> Dataset:
    """Everything of one CT slice but its pixels and spacing."""
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = f"2.25.1000{n}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "2.25.11", "2.25.12", "2.25.13"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20010203", "101112", "1", ""
    ds.Modality, ds.Manufacturer, ds.PatientSex, ds.ReferringPhysicianName = "CT", "Acme", "F", ""
    ds.update(dict(PATIENT.items()))
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = 1, n + 1, 1
    ds.ImagePositionPatient = [pydicom.valuerep.DSfloat(float(v), auto_format=True) for v in position]
    ds.ImageOrientationPatient = [pydicom.valuerep.DSfloat(float(v), auto_format=True) for v in (*row, *column)]
    ds.PositionReferenceIndicator, ds.KVP = "", "120"
    return ds


def write_ct(folder: Path, array: NDArray[np.int16], grid: Grid, **changes: object) -> Source:
    """One CT file a slice of `grid`; returns the Source as a reader would give it. A change of None deletes."""
    folder.mkdir(parents=True, exist_ok=True)
    affine = grid.affine_lps
    row = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    column = affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    _, row_mm, column_mm = grid.spacing_mm
    frames = []
    for k in range(grid.shape[0]):
        position = grid.to_lps((k, 0, 0))
        ds = frame_header(k, position, row, column)
        ds.Rows, ds.Columns = grid.shape[1:]
        ds.PixelSpacing = [pydicom.valuerep.DSfloat(float(v), auto_format=True) for v in (row_mm, column_mm)]
        ds.SliceThickness = pydicom.valuerep.DSfloat(grid.slice_gap_mm, auto_format=True)
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "HU"
        for keyword, value in changes.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
        ds.PixelData = np.ascontiguousarray(array[k], dtype="<i2").tobytes()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"{k:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        x, y, z = (float(v) for v in position)
        frames.append(
            SourceFrame(
                path=path,
                sop_class_uid=ds.SOPClassUID,
                sop_uid=ds.SOPInstanceUID,
                frame_number=1,
                position_lps=(x, y, z),
                row_lps=(float(row[0]), float(row[1]), float(row[2])),
                column_lps=(float(column[0]), float(column[1]), float(column[2])),
                spacing_mm=(row_mm, column_mm),
                shape=(grid.shape[1], grid.shape[2]),
            )
        )
    return Source(
        kind="dicom",
        root=folder,
        paths=tuple(frame.path for frame in frames),
        study_uid="2.25.11",
        series_uid="2.25.12",
        frame_of_reference_uid="2.25.13",
        modality="CT",
        frames=tuple(frames),
        facts={"manufacturer": "Acme", "series_description": "CHEST DOE^JANE", "slice_thickness_mm": grid.slice_gap_mm},
    )


def two_blobs(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Labels 1 and 2: lopsided, so that no flip or swap of axes maps one onto itself."""
    labels = np.zeros(shape, dtype=np.uint8)
    labels[2:5, 6:11, 5:13] = 1
    labels[5, 6:8, 5:7] = 1
    labels[4:7, 16:19, 20:22] = 2
    labels[6, 19, 20] = 2
    return labels


def picture_of(labels: NDArray[np.uint8]) -> NDArray[np.int16]:
    """HU with nodules of 40 and -100 HU in noisy lung."""
    rng = np.random.default_rng(11)
    hu = rng.normal(-850, 20, labels.shape)
    hu[labels == 1] = 40
    hu[labels == 2] = -100
    return hu.astype(np.int16)


def full_measurements(scale: float = 1.0) -> tuple[Measurement, ...]:
    """One of each kind: asymmetric interval, none, not measurable, unknown name, every unit of the chest task."""
    return (
        Measurement(
            "volume",
            1234.5678901234 * scale,
            "mm3",
            Interval(1100.1 * scale, 1400.7 * scale),
            "50 % boundary",
            Quality.THICK_SLICES | Quality.ATTACHED_TO_PLEURA,
            (Component("noise", 12.5), Component("cut", 0.1, True)),
        ),
        Measurement(
            "reader_comparable_volume", 1250.0 * scale, "mm3", Interval(900.0 * scale, 1700.0 * scale), "readers"
        ),
        Measurement("mean_diameter", 11.1, "mm", Interval(10.0, 12.9, 0.9), "mean of axes"),
        Measurement("long_axis", 13.3, "mm", Interval(13.3, 14.0), "axial section"),
        Measurement("largest_section_area", 99.0, "mm2", Interval(90.0, 110.0), "contour"),
        Measurement("mean_density", -12.25, "[hnsf'U]", Interval(-20.5, -3.25), "mean inside"),
        Measurement("mass", 1200.0, "mg", Interval(1000.0, 1500.0), "density"),
        Measurement("edge_gradient", 120.0, "[hnsf'U]/mm", Interval(100.0, 150.0), "normals"),
        Measurement("lobulation", 0.25, "1", None, "outline"),
        Measurement.not_measurable("solid_long_axis", "mm", "no solid component", Quality.TOO_SMALL),
        Measurement("a_name_that_no_table_knows", 5.0, "1", None, "count"),
    )


def descriptors() -> tuple[Descriptor, ...]:
    """Two in words, one with a standard concept."""
    return (
        Descriptor("type", "solid", "solid nodule"),
        Descriptor("lung_rads_2022", "3", "3, cannot exclude 4A. Probably benign – see again.", also=("4A",)),
        Descriptor(
            "attachment", "juxtapleural", "touches the pleura", code=Code("JUXTAPLEURAL", "99OVERREAD", "Juxtapleural")
        ),
    )


def findings_of(labels: NDArray[np.uint8], grid: Grid) -> tuple[Finding, ...]:
    """A finding for each label that has voxels."""
    found = []
    for n in (1, 2):
        where = np.argwhere(labels == n)
        if not len(where):
            continue
        x, y, z = (float(v) for v in grid.to_lps(where.mean(axis=0)))
        found.append(
            Finding(
                number=n,
                kind=NODULE,
                label=f"nodule {n}",
                point_lps=(x, y, z),
                tracking_uid=f"2.25.77{n}",
                category=ABNORMAL_STRUCTURE,
                site=LUNG,
                site_text="left upper zone",
                laterality=Laterality.LEFT,
                measurements=full_measurements(1.0 / n),
                descriptors=descriptors(),
                lines=(Line("long_axis", ((x - 5, y, z), (x + 5, y, z))),),
                score=0.93,
                caveats=("Breathing may blur the edge.",),
            )
        )
    return tuple(found)


def reading_of(source: Source, labels: NDArray[np.uint8], grid: Grid, verdict: Verdict | None = None) -> Reading:
    """A reading with a finding for each label."""
    return Reading(
        provenance=Provenance(
            task="chest_ct_nodule",
            task_version="0.1.0",
            versions={"overread": "0.1.0"},
            plan={"threshold": 0.5},
            device_uid="2.25.4242",
        ),
        title="Lung nodules on chest CT",
        assessable=True,
        scope=Scope(ScopeAnswer.YES),
        source=source,
        verdict=verdict or Verdict(),
        findings=findings_of(labels, grid),
        measurements=(Measurement("nodule_count", 2.0, "{nodules}", None, "count"),),
        segments=LabelMap(labels, grid, {1: "nodule 1", 2: "nodule 2"}),
        windows=(PULMONARY_PAPER, SOFT_TISSUE),
        caveats=("The lung bases are not in the scan.",),
        seconds={"detect": 1.25},
    )


def refusal_of(source: Source) -> Reading:
    """A reading that declines to answer."""
    return Reading(
        provenance=Provenance(task="chest_ct_nodule", task_version="0.1.0", device_uid="2.25.4242"),
        title="Lung nodules on chest CT",
        assessable=False,
        scope=Scope(ScopeAnswer.NO, (Reason("not_chest", "No lung was found."),)),
        source=source,
        verdict=Verdict(),
        reasons=(Reason("not_chest", "No lung was found."),),
    )


def small_grid() -> Grid:
    """Axial, 3.0 x 0.8 x 0.7 mm."""
    return axial_grid((9, 28, 30), spacing_mm=(3.0, 0.8, 0.7), origin_lps=(-13.25, 21.5, -340.75))


MakeCase = Callable[..., Case]


def build_case(
    folder: Path, grid: Grid | None = None, *, windows: tuple[Window, ...] | None = None, **changes: object
) -> Case:
    """A case with its files in `folder`."""
    grid = grid or small_grid()
    labels = two_blobs(grid.shape)
    array = picture_of(labels)
    source = write_ct(folder, array, grid, **changes)
    reading = reading_of(source, labels, grid)
    return Case(reading, Volume(array, grid, Intensity.HU, source))


@pytest.fixture
def make_case(tmp_path: Path) -> MakeCase:
    """Builds a case on any grid; header changes by keyword (None deletes)."""
    return partial(build_case, tmp_path / "source")


@pytest.fixture(scope="session")
def true_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with "source" and "out"; volumes are those of the pixels. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("true")
    case = build_case(folder / "source")
    segments = case.reading.segments
    assert segments is not None
    findings = tuple(
        replace(f, measurements=tuple(_true_to(m, segments.volume_mm3(f.number)) for m in f.measurements))
        for f in case.reading.findings
    )
    write(replace(case.reading, findings=findings), case.image, folder / "out")
    return folder


def _true_to(m: Measurement, volume_mm3: float) -> Measurement:
    if m.name == "long_axis":
        return replace(m, value=4.0, interval=Interval(3.0, 5.0))
    if m.name != "volume":
        return m
    return replace(m, value=volume_mm3, interval=Interval(0.9 * volume_mm3, 1.2 * volume_mm3))


@pytest.fixture
def case(make_case: MakeCase) -> Case:
    """The plain axial case."""
    return make_case()


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    """`reading_of`, for tests with an image of their own."""
    return reading_of


@pytest.fixture
def write_ct_series() -> Callable[..., Source]:
    """`write_ct`, for tests with an image of their own."""
    return write_ct
