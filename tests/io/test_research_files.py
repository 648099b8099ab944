"""NRRD and MetaImage: written by SimpleITK and by hand, in every orientation, packed and broken."""

import bz2
import gzip

import numpy as np
import pytest
import SimpleITK

from overread.errors import DamagedFileError, InputError, UnsupportedFormatError, UsageError
from overread.geometry import ORIENTATIONS, axial_grid
from overread.geometry.orientation import orient
from overread.image import Intensity
from overread.io import open_study

SHAPE, SPACING, ORIGIN = (3, 4, 5), (3.0, 2.0, 1.25), (-7.5, 11.0, 20.0)


@pytest.fixture
def values():
    return np.random.default_rng(5).integers(-1000, 1000, SHAPE).astype(np.int16)


def write(values, grid, path, *, packed=False):
    image = SimpleITK.GetImageFromArray(values)
    k, j, i = grid.spacing_mm
    image.SetSpacing((i, j, k))
    image.SetOrigin(grid.affine_lps[:3, 3].tolist())
    axes = grid.affine_lps[:3, :3] / np.linalg.norm(grid.affine_lps[:3, :3], axis=0)
    image.SetDirection(axes[:, ::-1].ravel().tolist())
    SimpleITK.WriteImage(image, str(path), packed)


def loaded(path):
    (series,) = open_study(path).series
    return series.load(intensity=Intensity.HU)


@pytest.mark.parametrize("letters", ORIENTATIONS)
@pytest.mark.parametrize("name", ["one.nrrd", "one.mha"])
def test_every_orientation_as_simpleitk_wrote_it(name, letters, values, tmp_path):
    turned, grid = orient(values, axial_grid(SHAPE, spacing_mm=SPACING, origin_lps=ORIGIN), letters)
    write(np.ascontiguousarray(turned), grid, tmp_path / name)
    image = loaded(tmp_path / name)
    assert np.array_equal(image.array, turned)
    assert image.grid.same_place(grid)
    assert image.verdict.status == "sound"


@pytest.mark.parametrize("name", ["one.nrrd", "one.nhdr", "one.mha", "one.mhd"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_attached_and_detached_packed_or_not(name, packed, kind, values, tmp_path):
    stored = np.abs(values).clip(0, 200).astype(kind)
    write(stored, axial_grid(SHAPE, spacing_mm=SPACING), tmp_path / name, packed=packed)
    image = loaded(tmp_path / name)
    assert np.array_equal(image.array, stored)
    assert len(image.source.paths) == (2 if name in ("one.nhdr", "one.mhd") else 1)


NRRD = """NRRD0004
# made by hand
type: short
dimension: 3
space: {space}
sizes: 5 4 3
space directions: (1.25,0,0) (0,2,0) (0,0,3)
space origin: (-7.5,11,20)
encoding: {encoding}
endian: {endian}
{more}
"""


def nrrd(
    values, path, *, space="left-posterior-superior", encoding="raw", endian="little", more="key:=value", pack=bytes
):
    body = pack(values.astype("<i2" if endian == "little" else ">i2").tobytes())
    path.write_bytes(NRRD.format(space=space, encoding=encoding, endian=endian, more=more).encode() + b"\n" + body)
    return path


@pytest.mark.parametrize(
    ("space", "signs"), [("left-posterior-superior", (1, 1)), ("RAS", (-1, -1)), ("left-anterior-superior", (1, -1))]
)
def test_space_of_nrrd_becomes_lps(space, signs, values, tmp_path):
    grid = loaded(nrrd(values, tmp_path / "a.nrrd", space=space)).grid
    assert grid.to_lps((1, 1, 1)) == pytest.approx((signs[0] * (1.25 - 7.5), signs[1] * (2 + 11), 3 + 20))


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize(("encoding", "pack"), [("raw", bytes), ("gzip", gzip.compress), ("bzip2", bz2.compress)])
def test_byte_orders_and_packing_of_nrrd(endian, encoding, pack, values, tmp_path):
    path = nrrd(values, tmp_path / "a.nrrd", endian=endian, encoding=encoding, pack=pack)
    assert np.array_equal(loaded(path).array, values)


def test_name_of_the_file_does_not_matter(values, tmp_path):
    assert np.array_equal(loaded(nrrd(values, tmp_path / "scan.dcm")).array, values)


def test_sheared_directions_are_kept_and_said(values, tmp_path):
    path = nrrd(values, tmp_path / "a.nrrd")
    path.write_bytes(path.read_bytes().replace(b"(0,0,3)", b"(0,1,3)"))
    image = loaded(path)
    assert image.verdict.has("tilted_gantry")
    assert image.grid.voxel_volume_mm3 == pytest.approx(1.25 * 2 * 3)


def test_sizes_without_directions_leave_the_sides_unknown(values, tmp_path):
    path = nrrd(values, tmp_path / "a.nrrd")
    text = path.read_bytes().replace(b"space directions: (1.25,0,0) (0,2,0) (0,0,3)", b"spacings: 1.25 2 3")
    path.write_bytes(text)
    assert loaded(path).verdict.has("orientation_unknown")


@pytest.mark.parametrize(
    ("swap", "kind", "words"),
    [
        ((b"type: short", b"type: block"), UnsupportedFormatError, "'block'"),
        ((b"dimension: 3", b"dimension: 4"), DamagedFileError, "says 4 axes, but sizes of 3"),
        ((b"encoding: raw", b"encoding: hex"), UnsupportedFormatError, "'hex'"),
        ((b"space: left-posterior-superior", b"space: scanner-xyz"), UnsupportedFormatError, "'scanner-xyz'"),
        ((b"(0,2,0)", b"none"), UnsupportedFormatError, "no direction"),
        ((b"sizes: 5 4 3", b"sizes: 5 4"), DamagedFileError, "says 3 axes, but sizes of 2"),
        ((b"sizes: 5 4 3", b"sizes: 5 4 9"), DamagedFileError, "ends before its voxels"),
        ((b"sizes: 5 4 3", b"sizes: 5 4 x"), DamagedFileError, "contradicts itself"),
        ((b"sizes: 5 4 3", b"sizes: 5 4 0"), DamagedFileError, "voxels"),
        ((b"encoding: raw", b"encoding: gzip"), DamagedFileError, "do not unpack"),
        ((b"key:=value", b"data file: ../secret.raw"), UnsupportedFormatError, "outside its folder"),
        ((b"key:=value", b"data file: /etc/passwd"), UnsupportedFormatError, "outside its folder"),
        ((b"key:=value", b"data file: gone.raw"), DamagedFileError, "not there"),
        ((b"key:=value", b"data file: LIST"), UnsupportedFormatError, "several files"),
    ],
)
def test_broken_nrrd(swap, kind, words, values, tmp_path):
    old, new = swap
    path = nrrd(values, tmp_path / "a.nrrd")
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(kind, match=words) as caught:
        loaded(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("swap", "kind", "words"),
    [
        ((b"NDims = 3", b"NDims = 2"), DamagedFileError, "says 2 axes, but sizes of 3"),
        ((b"MET_SHORT", b"MET_STRING"), UnsupportedFormatError, "MET_STRING"),
        ((b"DimSize = 5 4 3", b"DimSize = 5 4 9"), DamagedFileError, "ends before its voxels"),
        ((b"ElementSpacing", b"ElementSpicing"), DamagedFileError, "no distance"),
        ((b"ElementSpacing = 1.25 2 3", b"ElementSpacing = 1.25 0 3"), InputError, "places no voxels"),
        ((b"ElementDataFile = LOCAL", b"ElementDataFile = ../x.raw"), UnsupportedFormatError, "outside its folder"),
        ((b"ElementDataFile = LOCAL", b"ElementDataFale = LOCAL"), DamagedFileError, "inside its header"),
        ((b"BinaryData = True", b"BinaryData = False"), UnsupportedFormatError, "as text"),
    ],
)
def test_broken_metaimage(swap, kind, words, values, tmp_path):
    old, new = swap
    path = tmp_path / "a.mha"
    write(values, axial_grid(SHAPE, spacing_mm=SPACING), path)
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(kind, match=words):
        loaded(path)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_cut_short_while_packed(share, values, tmp_path):
    path = tmp_path / "a.mha"
    write(np.tile(values, (20, 20, 20)), axial_grid((60, 80, 100), spacing_mm=SPACING), path, packed=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DamagedFileError, match="cut short"):
        loaded(path)


def test_bomb_does_not_go_off(values, tmp_path):
    path = nrrd(values, tmp_path / "a.nrrd", encoding="gzip", pack=lambda raw: gzip.compress(raw + bytes(10**8)))
    with pytest.raises(DamagedFileError, match="expected 120"):
        loaded(path)


def test_spacing_on_word_is_refused(values, tmp_path):
    (series,) = open_study(nrrd(values, tmp_path / "a.nrrd")).series
    with pytest.raises(UsageError, match="its own spacing"):
        series.load(spacing_mm=(1, 1, 1))
