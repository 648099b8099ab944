"""Bytes changed or cut at random: a study, or an error of our own tree; nothing else, and no hang."""

from __future__ import annotations

import shutil
import zipfile

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file

from overread.errors import OverreadError
from overread.geometry import Policy
from overread.io import open_study
from overread.runtime import Runtime

RUNTIME = Runtime(1, max_memory_bytes=10**8)
SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5")


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(128, 2000), st.integers(0, 255)), max_size=6),
    keep=st.one_of(st.none(), st.integers(0, 2000)),
)
@example(changes=[], keep=0)
@example(changes=[(352, 0)], keep=None)  # a UID whose length takes in the patient's name
def test_a_broken_file_among_sound_ones(writer, stored, syntax, changes, keep):
    writer.syntax = syntax
    paths = writer.write(stored[:3])
    data = bytearray(paths[1].read_bytes())
    for place, value in changes:
        if place < len(data):
            data[place] = value
    paths[1].write_bytes(data if keep is None else data[:keep])
    for target in (writer.folder, paths[1]):
        for policy in Policy:
            assert "SECRET" not in read_all(target, policy)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.png", "a.tif", "a.jpg"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=6),
    keep=st.one_of(st.none(), st.integers(0, 700)),
)
def test_a_broken_file_of_another_kind(tmp_path, name, changes, keep):
    plane = np.add.outer(np.arange(24), np.arange(20)).astype(np.uint8)
    if ".nii" in name:
        nibabel.Nifti1Image(plane[..., None].astype(np.int16), np.diag((0.9, 0.7, 2.5, 1))).to_filename(tmp_path / name)
    else:
        Image.fromarray(plane).save(tmp_path / name)
    data = bytearray((tmp_path / name).read_bytes())
    for place, value in changes:
        if place < len(data):
            data[place] = value
    (tmp_path / name).write_bytes(data if keep is None else data[:keep])
    spacing = None if ".nii" in name else (2.5, 0.7, 0.9)
    read_all(tmp_path, Policy.STRICT, spacing)


def other_seeds(folder):
    """Sound files of the kinds that are read in a way of their own, by name."""
    plane = np.add.outer(np.arange(24), np.arange(20)).astype(np.uint8)
    turned = Image.Exif()
    turned[274] = 6
    Image.fromarray(plane).save(folder / "turned.jpg", exif=turned)
    Image.fromarray(plane).save(folder / "turned.png", exif=turned)
    Image.fromarray(plane).save(folder / "turned.tif", exif=turned)
    Image.fromarray(np.stack([plane] * 4, axis=-1)).save(folder / "alpha.png")
    (folder / "deep.pgm").write_bytes(b"P5\n20 24\n1000\n" + plane.astype(">u2").tobytes())
    for name in ("flat.mha", "flat.nrrd"):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(plane), str(folder / name))
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.write(folder / "turned.jpg", "in/turned.jpg")
        out.write(folder / "flat.mha", "in/flat.mha")
    shutil.copy(get_testdata_file("dicomdirtests/DICOMDIR", download=False), folder / "DICOMDIR")
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    values = dataset.pixel_array.astype(np.float32)
    del dataset.PixelData
    dataset.FloatPixelData, dataset.BitsAllocated = values.tobytes(), 32
    dataset.save_as(folder / "float.dcm")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


KINDS = (
    *("turned.jpg", "turned.png", "turned.tif", "alpha.png", "deep.pgm"),
    *("flat.mha", "flat.nrrd", "a.zip", "DICOMDIR", "float.dcm"),
)


class Seeds(dict):
    """Bytes by name; hypothesis prints the name of a failing case, not the bytes of all."""

    def __repr__(self):
        return f"Seeds({sorted(self)})"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return Seeds(other_seeds(tmp_path_factory.mktemp("seeds")))


def test_every_kind_has_a_seed(seeds):
    assert set(seeds) == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=6),
    keep=st.one_of(st.none(), st.integers(0, 1500)),
)
def test_a_broken_picture_archive_or_index(tmp_path, seeds, name, changes, keep):
    data = bytearray(seeds[name])
    for place, value in changes:
        if place < len(data):
            data[place] = value
    (tmp_path / name).write_bytes(data if keep is None else data[:keep])
    for spacing in (None, (0.2, 0.1)):
        said = read_all(tmp_path / name, Policy.AS_IS, spacing)
        assert said


def read_all(target, policy, spacing_mm=None):
    """All that is said: the first error of our own tree, or what was read; any other exception goes through."""
    try:
        study = open_study(target)
        said = repr(study) + repr([series.source for series in study.series])
        for series in study.series:
            said += repr(series.load(policy=policy, runtime=RUNTIME, spacing_mm=spacing_mm).verdict)
    except OverreadError as error:
        return str(error)
    return said
