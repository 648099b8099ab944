"""Objects that are no slice: colour, X-ray, ultrasound, clips. Known pictures first, then pydicom's own test files."""

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from overread import analyze
from overread.errors import DamagedFileError, GeometryError
from overread.image import Calibration, Frames, Radiograph, Window, WindowFunction
from overread.io import middle_picture, open_study

DX, US, US_CLIP, SC = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("1.1", "6.1", "3.1", "7"))
ROOT = "1.2.826.0.1.3680043.10.999"
GREY = np.array([[0, 10, 20, 30], [100, 200, 3000, 4095]], np.uint16)
RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]], [[1, 2, 3], [4, 5, 6]]], np.uint8)


def picture(pixels, *, sop_class=DX, modality="DX", photometric="MONOCHROME2", bits=12, **tags):
    """A dataset of one or more frames; `pixels` as they are stored."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.3.4"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "1.2.3", "1.2.3.1", modality
    samples = 3 if photometric in ("RGB", "YBR_FULL", "YBR_FULL_422") else 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = samples, photometric
    ds.Rows, ds.Columns = pixels.shape[-3:-1] if samples == 3 else pixels.shape[-2:]
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = bits if ds.BitsAllocated == 16 else 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    if samples == 3:
        ds.PlanarConfiguration = 0
    for name, value in tags.items():
        setattr(ds, name, value)
    ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    return ds


def opened(ds, tmp_path):
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    (series,) = open_study(tmp_path).series
    return series


def test_grey_picture_keeps_its_values(tmp_path):
    series = opened(picture(GREY, WindowCenter=2048, WindowWidth=4096), tmp_path)
    image = series.load()
    assert isinstance(image, Radiograph)
    assert np.array_equal(image.array, GREY)
    assert image.windows[0].center == 2048
    assert series.shape == (1, 2, 4)


def test_monochrome1_and_2_of_one_picture_are_equal_in_values_and_on_screen(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    two = opened(picture(GREY, WindowCenter=1000, WindowWidth=500), tmp_path / "a").load()
    one = opened(
        picture(4095 - GREY, photometric="MONOCHROME1", WindowCenter=4096 - 1000, WindowWidth=500), tmp_path / "b"
    ).load()
    assert np.array_equal(one.array, two.array)
    assert np.array_equal(one.windows[0].apply(one.array), two.windows[0].apply(two.array))


@pytest.mark.parametrize(("slope", "intercept"), [(2, -100), (0.5, 0), (1, 0)])
def test_rescale_comes_before_the_turn_of_monochrome1(slope, intercept, tmp_path):
    ds = picture(GREY, photometric="MONOCHROME1", RescaleSlope=slope, RescaleIntercept=intercept)
    image = opened(ds, tmp_path).load()
    lowest, highest = intercept, 4095 * slope + intercept
    assert np.allclose(image.array, lowest + highest - (GREY.astype(float) * slope + intercept))


@pytest.mark.parametrize(("function", "center"), [("LINEAR", 4096 - 1000), ("LINEAR_EXACT", 3095), ("SIGMOID", 3095)])
def test_window_function_is_honoured_either_way(function, center, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    window = {"WindowWidth": 500, "VOILUTFunction": function}
    two = opened(picture(GREY, WindowCenter=1000, **window), tmp_path / "a").load()
    one = opened(picture(4095 - GREY, photometric="MONOCHROME1", WindowCenter=center, **window), tmp_path / "b").load()
    assert two.windows == (Window(1000, 500, function=WindowFunction(function)),)
    assert one.windows == two.windows


def test_window_of_an_unknown_function_is_not_used(tmp_path):
    series = opened(picture(GREY, WindowCenter=1000, WindowWidth=500, VOILUTFunction="WAVY"), tmp_path)
    assert series.load().windows == ()
    assert "function that is not known" in series.verdict.sentence()


@pytest.mark.parametrize(("padding", "limit"), [(0, None), (0, 15), (4095, 4000)])
@pytest.mark.parametrize("slope", [1, 2])
def test_padding_of_monochrome1_stays_dark(padding, limit, slope, tmp_path):
    """Zero is white there: padding of zeros around the picture would glare."""
    inside = np.arange(100, 112, dtype=np.uint16).reshape(3, 4)
    stored = np.pad(inside, 1, constant_values=padding)
    tags = {"PixelPaddingValue": padding} | ({} if limit is None else {"PixelPaddingRangeLimit": limit})
    image = opened(picture(stored, photometric="MONOCHROME1", RescaleSlope=slope, RescaleIntercept=0, **tags), tmp_path)
    image = image.load()
    assert np.array_equal(image.array[1:-1, 1:-1], (4095 - inside.astype(int)) * slope)
    edge = np.ones((5, 6), bool)
    edge[1:-1, 1:-1] = False
    assert set(image.array[edge].tolist()) == {0}
    assert "18 pixels marked as padding" in next(
        fault.message for fault in image.verdict.faults if fault.code == "padding_darkened"
    )


def test_padding_of_monochrome1_frames_is_counted_over_all(tmp_path):
    frames = np.stack([GREY, GREY])
    ds = picture(frames, photometric="MONOCHROME1", NumberOfFrames=2, PixelPaddingValue=0)
    image = opened(ds, tmp_path).load()
    assert image.array[:, 0, 0].tolist() == [0, 0]
    assert any("2 pixels marked as padding" in fault.message for fault in image.verdict.faults)


def test_padding_of_monochrome2_is_left_as_it_is(tmp_path):
    image = opened(picture(GREY, PixelPaddingValue=0), tmp_path).load()
    assert np.array_equal(image.array, GREY)
    assert not image.verdict.has("padding_darkened")


def lut_item(first, table, bits=8):
    item = Dataset()
    item.add_new(0x00283002, "US", [len(table), first, bits])
    item.add_new(0x00283006, "US", list(table))
    return item


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_voi_lut_shows_the_same_picture_either_way(photometric, tmp_path):
    stored = np.array([[0, 1, 2, 3]], np.uint8)
    table = [0, 50, 200, 255]
    shown = np.array(table) / 255
    ds = picture(stored, photometric=photometric, VOILUTSequence=[lut_item(0, table)])
    image = opened(ds, tmp_path).load()
    first, lut = image.voi_lut
    displayed = lut[np.clip(image.array.astype(int) - first, 0, len(lut) - 1)][0]
    assert np.allclose(displayed, shown if photometric == "MONOCHROME2" else 1 - shown)


def test_modality_lut_gives_the_values(tmp_path):
    stored = np.array([[0, 1, 2, 3]], np.uint8)
    ds = picture(stored, ModalityLUTSequence=[lut_item(0, [5, 7, 100, 250])])
    assert opened(ds, tmp_path).load().array.tolist() == [[5, 7, 100, 250]]


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("coded", [False, True])
def test_rgb_in_both_planar_configurations(planar, coded, tmp_path):
    stored = RGB.transpose(2, 0, 1) if planar else RGB
    ds = picture(RGB, sop_class=SC, modality="OT", photometric="RGB", PlanarConfiguration=planar)
    ds.PixelData = stored.tobytes()
    if coded:
        ds.compress(RLELossless, RGB, generate_instance_uid=False)
    assert np.array_equal(opened(ds, tmp_path).load().array, RGB)


def test_palette_becomes_rgb(tmp_path):
    ds = picture(np.array([[0, 1], [2, 1]], np.uint8), sop_class=US, modality="US", photometric="PALETTE COLOR")
    for colour, table in (("Red", [10, 20, 30]), ("Green", [1, 2, 3]), ("Blue", [0, 0, 255])):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [3, 0, 16])
        setattr(ds, f"{colour}PaletteColorLookupTableData", (np.array(table, "<u2") * 256).tobytes())
    assert opened(ds, tmp_path).load().array.tolist() == [[[10, 1, 0], [20, 2, 0]], [[30, 3, 255], [20, 2, 0]]]


def test_single_bits_run_on_over_frames(tmp_path):
    bits = np.array([[[1, 0, 1], [0, 1, 1], [1, 1, 0]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]], np.uint8)
    ds = picture(bits, sop_class=SC, modality="OT", NumberOfFrames=2, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds.PixelData = np.packbits(bits, bitorder="little").tobytes() + b"\0"
    assert np.array_equal(opened(ds, tmp_path).load().array, bits)


@pytest.mark.parametrize("coded", [False, True])
def test_clip_has_frames_and_times(coded, tmp_path):
    frames = np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3)
    ds = picture(frames, sop_class=US_CLIP, modality="US", photometric="RGB", NumberOfFrames=3, FrameTime=40)
    if coded:
        ds.compress(RLELossless, frames, generate_instance_uid=False)
    image = opened(ds, tmp_path).load()
    assert isinstance(image, Frames)
    assert np.array_equal(image.array, frames)
    assert image.time_s.tolist() == [0, 0.04, 0.08]


def test_clip_that_is_cut_short_is_said(tmp_path):
    frames = np.zeros((3, 4, 4), np.uint8)
    series = opened(picture(frames, sop_class=US_CLIP, modality="US", NumberOfFrames=4), tmp_path)
    with pytest.raises(DamagedFileError, match="cut short"):
        series.load()


def us_region(*, units=3, delta=(0.02, 0.03), data=1, spatial=1, corners=(0, 0, 3, 1)):
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = spatial, data, 0
    x0, y0, x1, y1 = corners
    item.RegionLocationMinX0, item.RegionLocationMinY0, item.RegionLocationMaxX1, item.RegionLocationMaxY1 = (
        x0,
        y0,
        x1,
        y1,
    )
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = units
    item.PhysicalDeltaY, item.PhysicalDeltaX = delta
    return item


@pytest.mark.parametrize(
    ("tags", "calibration", "spacing"),
    [
        ({}, Calibration.NONE, None),
        ({"PixelSpacing": [0.2, 0.1]}, Calibration.UNSAID, (0.2, 0.1)),
        ({"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"}, Calibration.FIDUCIAL, (0.2, 0.1)),
        ({"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "GEOMETRY"}, Calibration.GEOMETRY, (0.2, 0.1)),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, Calibration.DETECTOR, (0.2, 0.1)),
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.2, 0.1]}, Calibration.DETECTOR, (0.2, 0.1)),
        (
            {"ImagerPixelSpacing": [0.2, 0.1], "EstimatedRadiographicMagnificationFactor": 1.25},
            Calibration.MAGNIFICATION,
            (0.16, 0.08),
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.1], "DistanceSourceToDetector": 1800, "DistanceSourceToPatient": 1500},
            Calibration.MAGNIFICATION,
            (0.2 / 1.2, 0.1 / 1.2),
        ),
        ({"NominalScannedPixelSpacing": [0.17, 0.18]}, Calibration.NOMINAL, (0.17, 0.18)),
        ({"SequenceOfUltrasoundRegions": [us_region()]}, Calibration.REGION, (0.2, 0.3)),
        ({"SequenceOfUltrasoundRegions": [us_region(units=4)]}, Calibration.NONE, None),
        ({"PixelSpacing": [0, 0]}, Calibration.NONE, None),
    ],
)
def test_where_millimetres_come_from(tags, calibration, spacing, tmp_path):
    series = opened(picture(GREY, **tags), tmp_path)
    scale = series.load().scale
    assert scale == series.scale
    assert scale.calibration is calibration
    if spacing is None:
        with pytest.raises(GeometryError, match="no calibration"):
            scale.require_mm()
    else:
        assert scale.require_mm() == pytest.approx(spacing)


def measured(**spacing):
    """Functional groups of one frame that hold Pixel Measures."""
    groups, inner = Dataset(), Dataset()
    for name, value in spacing.items():
        setattr(inner, name, value)
    groups.PixelMeasuresSequence = [inner]
    return groups


@pytest.mark.parametrize(
    ("tags", "calibration", "spacing"),
    [
        ({"SharedFunctionalGroupsSequence": [measured(PixelSpacing=[0.2, 0.1])]}, Calibration.UNSAID, (0.2, 0.1)),
        (
            {
                "SharedFunctionalGroupsSequence": [measured(PixelSpacing=[0.2, 0.1])],
                "PixelSpacingCalibrationType": "GEOMETRY",
            },
            Calibration.GEOMETRY,
            (0.2, 0.1),
        ),
        (
            {"PerFrameFunctionalGroupsSequence": [measured(PixelSpacing=[0.2, 0.1])] * 2},
            Calibration.UNSAID,
            (0.2, 0.1),
        ),
        (
            {
                "PerFrameFunctionalGroupsSequence": [
                    measured(PixelSpacing=[0.2, 0.1]),
                    measured(PixelSpacing=[0.2, 0.2]),
                ]
            },
            Calibration.NONE,
            None,
        ),
        ({"SharedFunctionalGroupsSequence": [measured(SliceThickness=1)]}, Calibration.NONE, None),
    ],
)
def test_pixel_measures_of_frames(tags, calibration, spacing, tmp_path):
    frames = np.stack([GREY, GREY])
    series = opened(picture(frames, sop_class=SC, modality="OT", NumberOfFrames=2, **tags), tmp_path)
    assert (series.scale.calibration, series.scale.spacing_mm) == (calibration, spacing)
    assert series.load().scale == series.scale


def test_detector_pixels_of_frames(tmp_path):
    groups, inner = Dataset(), Dataset()
    inner.ImagerPixelSpacing = [0.2, 0.1]
    groups.FramePixelDataPropertiesSequence = [inner]
    ds = picture(
        np.stack([GREY, GREY]),
        sop_class="1.2.840.10008.5.1.4.1.1.12.1.1",
        modality="XA",
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=[groups],
    )
    scale = opened(ds, tmp_path).scale
    assert (scale.calibration, scale.spacing_mm) == (Calibration.DETECTOR, (0.2, 0.1))
    assert scale.relative_error[1] == 0


def views(tmp_path, *numbers_and_views, **tags):
    for n, (number, view) in enumerate(numbers_and_views):
        ds = picture(GREY // (n + 1), InstanceNumber=number, ViewPosition=view, SeriesDescription="Chest", **tags)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{n + 1}"
        ds.save_as(tmp_path / f"{n}.dcm", enforce_file_format=True)


def test_views_of_one_series_can_be_told_apart(tmp_path):
    views(tmp_path, (2, "LL"), (1, "PA"))
    first, second = sorted(open_study(tmp_path).series, key=lambda one: one.name)
    assert [first.name, second.name] == ["1.2.3.1#1", "1.2.3.1#2"]
    assert [first.description, second.description] == ["Chest PA", "Chest LL"]
    assert [one.source.facts["view"] for one in (first, second)] == ["PA", "LL"]
    assert np.array_equal(first.load().array, GREY // 2)
    assert np.array_equal(second.load().array, GREY)
    assert "number 2 of 2" in next(fault.message for fault in second.verdict.faults if fault.code == "split_series")


def test_a_single_view_needs_no_number(tmp_path):
    views(tmp_path, (1, "PA"))
    (series,) = open_study(tmp_path).series
    assert series.name == "1.2.3.1"
    assert not series.verdict.has("split_series")


def test_a_view_that_is_no_defined_term_is_kept_silent(tmp_path):
    views(tmp_path, (1, "SMITH"))
    (series,) = open_study(tmp_path).series
    assert series.description == "Chest"
    assert "view" not in series.source.facts


def test_a_view_whose_header_is_broken_costs_itself_alone(tmp_path):
    views(tmp_path, (1, "PA"), (2, "LL"))
    raw = (tmp_path / "0.dcm").read_bytes()
    at = raw.index(b"\x20\0\x13\0IS") + 8
    (tmp_path / "0.dcm").write_bytes(raw[:at] + b"xx" + raw[at + 2 :])
    assert {one.description for one in open_study(tmp_path).series} == {"Chest PA", "Chest LL"}


def test_a_picture_with_the_uid_of_a_stack_comes_behind_it(writer, stored):
    writer.write(stored)
    ds = picture(GREY, sop_class=SC, modality="OT")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = (f"{ROOT}.7", f"{ROOT}.7.1")
    ds.save_as(writer.folder / "note.dcm", enforce_file_format=True)
    assert {one.name for one in open_study(writer.folder).series} == {f"{ROOT}.7.1", f"{ROOT}.7.1#2"}


@pytest.mark.parametrize("colour", [False, True])
def test_rle_frames_of_several_fragments_without_offset_table(colour, tmp_path):
    """Cut every coded frame into fragments of 100 bytes and leave the offset table empty."""
    rng = np.random.default_rng(8)
    frames = rng.integers(0, 256, (3, 20, 22, 3) if colour else (3, 20, 22)).astype(np.uint8)
    photometric = "RGB" if colour else "MONOCHROME2"
    ds = picture(frames, sop_class=US_CLIP, modality="US", photometric=photometric, NumberOfFrames=3)
    ds.compress(RLELossless, frames, generate_instance_uid=False)
    coded = list(generate_frames(ds.PixelData, number_of_frames=3))
    pieces = [frame[at : at + 100] for frame in coded for at in range(0, len(frame), 100)]
    ds.PixelData = item(b"") + b"".join(map(item, pieces)) + bytes.fromhex("feffdde000000000")
    ds["PixelData"].is_undefined_length = True
    series = opened(ds, tmp_path)
    assert series.verdict.status == "sound"
    assert np.array_equal(series.load().array, frames)


def item(value):
    value += b"\0" * (len(value) % 2)
    return bytes.fromhex("feff00e0") + len(value).to_bytes(4, "little") + value


def test_largest_tissue_region_gives_the_scale_and_all_are_kept(tmp_path):
    regions = [
        us_region(corners=(0, 0, 0, 0), delta=(1, 1)),
        us_region(corners=(1, 0, 3, 1)),
        us_region(data=3, spatial=3),
    ]
    image = opened(picture(GREY, SequenceOfUltrasoundRegions=regions), tmp_path).load()
    assert image.scale.spacing_mm == pytest.approx((0.2, 0.3))
    assert [region.kind for region in image.regions] == ["tissue", "tissue", "spectral doppler"]
    assert image.regions[1].columns == (1, 4)


def test_a_volume_task_on_a_picture_is_out_of_scope(tmp_path):
    opened(picture(GREY), tmp_path)
    reading = analyze(tmp_path, task="chest_ct_nodule").reading
    assert not reading.assessable
    assert [reason.code for reason in reading.reasons] == ["not_a_volume"]


def test_rescale_of_each_frame_is_its_own(tmp_path):
    def groups(slope):
        item, inner = Dataset(), Dataset()
        inner.RescaleSlope, inner.RescaleIntercept = slope, -5
        item.PixelValueTransformationSequence = [inner]
        return item

    frames = np.stack([GREY, GREY])
    ds = picture(frames, sop_class="1.2.840.10008.5.1.4.1.1.12.1.1", modality="XA", NumberOfFrames=2)
    ds.PerFrameFunctionalGroupsSequence = [groups(2), groups(3)]
    image = opened(ds, tmp_path).load()
    assert np.array_equal(image.array, [GREY.astype(float) * 2 - 5, GREY.astype(float) * 3 - 5])


def test_a_picture_is_no_volume(tmp_path):
    with pytest.raises(GeometryError, match="radiograph, not a stack"):
        opened(picture(GREY), tmp_path).load_volume()


COLOUR = [
    ("SC_rgb_rle_16bit_2frame.dcm", 0),
    ("SC_rgb_rle_2frame.dcm", 0),
    ("SC_rgb_rle_32bit.dcm", 0),
    ("SC_rgb_small_odd.dcm", 0),
    ("SC_rgb_small_odd_big_endian.dcm", 0),
    ("ExplVR_BigEnd.dcm", 0),
    ("SC_ybr_full_422_uncompressed.dcm", 1),
    ("SC_rgb_dcmtk_+eb+cy+n2.dcm", 3),
    ("SC_rgb_dcmtk_+eb+cr.dcm", 3),
    ("SC_rgb_jpeg_dcmtk.dcm", 3),
    ("examples_palette.dcm", 0),
    ("examples_rgb_color.dcm", 0),
    ("examples_ybr_color.dcm", 3),
    ("examples_jpeg2k.dcm", 1),
]


@pytest.mark.parametrize(("name", "tolerance"), COLOUR)
def test_colour_equals_pydicom(name, tolerance):
    """JPEG decoders may differ by rounding of the colour transform and by how they smooth chroma."""
    path = get_testdata_file(name, download=False)
    ds = pydicom.dcmread(path)
    theirs = ds.pixel_array
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        theirs = pydicom.pixels.apply_color_lut(theirs, ds)
    if theirs.dtype != np.uint8:
        theirs = theirs >> (8 * theirs.dtype.itemsize - 8)
    ours = open_study(path).series[0].load().array.astype(int)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs.astype(int)).max() <= tolerance


def test_middle_picture_of_a_still_and_of_a_clip(tmp_path):
    frames = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    for name in "ab":
        (tmp_path / name).mkdir()
    still = middle_picture(opened(picture(GREY, PixelSpacing=[0.2, 0.1]), tmp_path / "a"))
    assert np.array_equal(still.array, GREY)
    assert still.scale.spacing_mm == (0.2, 0.1)
    clip = picture(frames, sop_class=US_CLIP, modality="US", NumberOfFrames=3)
    assert np.array_equal(middle_picture(opened(clip, tmp_path / "b")).array, frames[1])


def test_a_volume_comes_before_a_longer_clip(writer, stored, tmp_path):
    writer.write(stored)
    frames = np.zeros((30, 4, 4), np.uint8)
    clip = picture(frames, sop_class=US_CLIP, modality="US", NumberOfFrames=30)
    clip.save_as(writer.folder / "clip.dcm", enforce_file_format=True)
    assert open_study(writer.folder).only().modality == "CT"


def test_coded_pixels_wider_than_the_header_says_are_damage(tmp_path):
    ds = picture(GREY.astype(np.uint8), sop_class=US, modality="US")
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = encapsulate([imagecodecs.jpeg2k_encode(GREY, level=0, reversible=True)])
    ds["PixelData"].VR = "OB"
    with pytest.raises(DamagedFileError, match="have 16 bits, the header says 8"):
        opened(ds, tmp_path).load()
