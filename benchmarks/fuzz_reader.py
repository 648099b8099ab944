"""Files changed or cut at random: the reader gives images or an error of its own tree, soon and in little memory.

    python benchmarks/fuzz_reader.py                    # 20,000 cases on two cores
    python benchmarks/fuzz_reader.py --only 4711        # one case again, with its trace

A case is its number: it picks one of the seed files (small ones that pydicom ships, and pictures, NIfTI, NRRD and MHA
made here), the changes and their places. Workers are processes of their own, so that a crash of a decoder is found,
too. A case fails on any exception outside the tree of errors, after 5 seconds, or where the process grows past 2 GiB.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK
from PIL import Image
from pydicom.data import get_testdata_file

from overread.errors import OverreadError
from overread.geometry import Policy
from overread.io import open_study
from overread.runtime import Runtime

SLOWEST_S = 5.0
LARGEST_BYTES = 2**31
HANG_S = 60
RUNTIME = Runtime(1, max_memory_bytes=2**29)

DICOM_SEEDS = [
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
    "image_dfl.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPGExtended.dcm",
    "JPEG-lossy.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "liver_1frame.dcm",
    "rtdose_1frame.dcm",
    "rtplan.dcm",
    "reportsi.dcm",
    "no_meta_group_length.dcm",
    "nested_priv_SQ.dcm",
]
OTHER_SEEDS = ("a.nii", "a.nii.gz", "a.png", "a.jpg", "a.tif", "a.nrrd", "a.mha")
SEEDS = (*DICOM_SEEDS, *OTHER_SEEDS)
LENGTHS = (0, 1, 2, 3, 127, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
VRS = (
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV XX".split()
)
SYNTAXES = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201",
    "9.9",
]
NUMBERS = {0x00280002, 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280006}
TEXTS = (
    b"0",
    b"-1",
    b"2",
    b"1000000",
    b"99999999999999999999",
    b"1e400",
    b"NaN",
    b"inf",
    b"abc",
    b"",
    b"\\\\",
    b"1\\0",
)


@dataclass(frozen=True)
class Seed:
    """A sound file, and where its top-level elements lie: tag, first byte, first byte of the value, end."""

    name: str
    data: bytes
    elements: tuple[tuple[int, int, int, int], ...] = ()


@cache
def seed_file(name: str) -> Seed:
    """A seed by name."""
    if name in OTHER_SEEDS:
        return Seed(name, _other(name))
    data = _placed(Path(str(get_testdata_file(name, download=False))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(BytesIO(data), force=True)
    raw = [dataset.get_item(tag) for tag in dataset.keys()]  # noqa: SIM118  (a dataset iterates over elements)
    starts = []
    for one in raw:
        long = one.VR in ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")
        if hasattr(one, "value_tell"):
            explicit_long = long and not dataset.original_encoding[0]
            starts.append((int(one.tag), one.value_tell - (12 if explicit_long else 8), one.value_tell))
    ends = [start for _, start, _ in starts[1:]] + [len(data)]
    if name == "image_dfl.dcm":  # offsets are those of the inflated bytes
        return Seed(name, data)
    return Seed(name, data, tuple((*one, end) for one, end in zip(starts, ends, strict=True)))


def _placed(path: Path) -> bytes:
    """The file; one with compressed grey pixels and no place gets one, for its pixels are read only where it has."""
    dataset = pydicom.dcmread(path, force=True)
    if "PixelData" not in dataset or "ImagePositionPatient" in dataset or dataset.get("SamplesPerPixel") != 1:
        return path.read_bytes()
    if not dataset.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian).is_encapsulated:
        return path.read_bytes()
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.9], 2.5
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def _other(name: str) -> bytes:
    plane = np.add.outer(np.arange(24), 3 * np.arange(20))
    volume = np.stack([plane, plane + 5, plane + 9]).astype(np.int16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        if ".nii" in name:
            nibabel.Nifti1Image(volume.T, np.diag((0.9, 0.7, 2.5, 1))).to_filename(path)
        elif name in ("a.nrrd", "a.mha"):
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(volume), str(path))
        else:
            Image.fromarray(plane.astype(np.uint8)).save(path)
        return path.read_bytes()


# -- changes: each takes the bytes, the seed and the dice, and returns other bytes


def _place(data: bytearray, dice: random.Random) -> int:
    """A place in the file, half of the time in the first 2000 bytes, where headers are."""
    return dice.randrange(max(1, min(len(data), 2000) if dice.random() < 0.5 else len(data)))


def flip_bits(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    for _ in range(dice.randint(1, 8)):
        if data:
            data[_place(data, dice)] ^= 1 << dice.randrange(8)
    return data


def set_integer(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    size, place = dice.choice((2, 4)), _place(data, dice)
    data[place : place + size] = (dice.choice(LENGTHS) & (256**size - 1)).to_bytes(size, dice.choice(("little", "big")))
    return data


def set_length(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    if not seed.elements:
        return set_integer(data, seed, dice)
    _, start, value, _ = dice.choice(seed.elements)
    place, size = (value - 4, 4) if value - start == 12 or dice.random() < 0.3 else (value - 2, 2)
    data[place : place + size] = (dice.choice(LENGTHS) & (256**size - 1)).to_bytes(size, "little")
    return data


def swap_vr(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    if not seed.elements:
        return flip_bits(data, seed, dice)
    start = dice.choice(seed.elements)[1]
    data[start + 4 : start + 6] = dice.choice(VRS)
    return data


def drop_element(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    return _with_element(data, seed, dice, lambda element, all_: b"")


def repeat_element(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    return _with_element(data, seed, dice, lambda element, all_: element * dice.choice((2, 3, 50)))


def other_element(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    return _with_element(data, seed, dice, lambda element, all_: dice.choice(all_))


def _with_element(
    data: bytearray, seed: Seed, dice: random.Random, change: Callable[[bytes, list[bytes]], bytes]
) -> bytearray:
    if not seed.elements:
        return cut_out(data, seed, dice)
    _, start, _, end = dice.choice(seed.elements)
    every = [bytes(data[a:b]) for _, a, _, b in seed.elements if b - a < 4096] or [b""]
    data[start:end] = change(bytes(data[start:end]), every)
    return data


def set_number(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    """Rows, columns, samples, bits: another number, often huge."""
    places = [value for tag, _, value, _ in seed.elements if tag in NUMBERS]
    if not places:
        return set_integer(data, seed, dice)
    place = dice.choice(places)
    data[place : place + 2] = (dice.choice((*LENGTHS, 8, 12, 16, 32, 64)) & 0xFFFF).to_bytes(2, "little")
    return data


def set_text(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    """A value replaced by a strange number in words, its length mended where it is short."""
    places = [one for one in seed.elements if one[2] - one[1] == 8 and one[3] - one[2] < 200]
    if not places:
        return splice(data, seed, dice)
    _, _, value, end = dice.choice(places)
    text = dice.choice(TEXTS)
    text += b" " * (len(text) % 2)
    data[value:end] = text
    data[value - 2 : value] = len(text).to_bytes(2, "little")
    return data


def add_frames(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    """Number of Frames in front of Rows."""
    places = [start for tag, start, _, _ in seed.elements if tag == 0x00280010]
    if not places:
        return set_integer(data, seed, dice)
    text = dice.choice((b"0 ", b"2 ", b"-1", b"1000", b"2147483647 ", b"99999999999999999999"))
    data[places[0] : places[0]] = b"\x28\0\x08\0IS" + len(text).to_bytes(2, "little") + text
    return data


def nest(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    """A sequence nested up to 3000 deep, sometimes never closed."""
    depth = dice.choice((1, 5, 17, 300, 3000))
    opening = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    place = dice.choice(seed.elements)[1] if seed.elements else _place(data, dice)
    data[place:place] = opening * depth + closing * dice.choice((depth, depth - 1, 0))
    return data


def other_syntax(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    place = data.find(b"1.2.840.10008.1.2", 132)
    if place < 0 or not seed.name.endswith(".dcm"):
        return set_integer(data, seed, dice)
    length = int.from_bytes(data[place - 2 : place], "little")
    text = dice.choice(SYNTAXES).encode()
    text += b"\0" * (len(text) % 2)
    data[place - 2 : place + length] = len(text).to_bytes(2, "little") + text
    return data


def break_fragments(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    """An item of the pixels: another length, another tag, or gone."""
    places, at = [], data.find(b"\xfe\xff\0\xe0")
    while at >= 0:
        places.append(at)
        at = data.find(b"\xfe\xff\0\xe0", at + 4)
    if not places:
        return flip_bits(data, seed, dice)
    place = dice.choice(places)
    way = dice.randrange(4)
    if way == 0:
        data[place + 4 : place + 8] = dice.choice(LENGTHS).to_bytes(4, "little")
    elif way == 1:
        data[place : place + 4] = dice.choice((b"\xfe\xff\xdd\xe0", b"\xfe\xff\x0d\xe0", b"\0\0\0\0"))
    elif way == 2:
        del data[place : place + 8]
    else:
        at = place + 8 + dice.randrange(60)
        data[at : at + 4] = dice.randbytes(4)  # inside the coded picture: its own header
    return data


def break_picture(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    """The last coded picture damaged inside a whole fragment, so that its decoder meets it."""
    start, end = data.rfind(b"\xfe\xff\0\xe0") + 8, data.rfind(b"\xfe\xff\xdd\xe0")
    if start < 8 or end <= start + 8:
        return flip_bits(data, seed, dice)
    coded = data[start:end]
    place = dice.randrange(len(coded))
    way = dice.randrange(4)
    if way == 0:
        del coded[place:]
    elif way == 1:
        del coded[place : place + dice.randint(1, 40)]
    else:
        coded[place : place + 8] = dice.choice((bytes(8), b"\xff" * 8, dice.randbytes(8)))
    coded += b"\0" * (len(coded) % 2)
    data[start - 4 : end] = len(coded).to_bytes(4, "little") + coded
    return data


def cut_short(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    if seed.elements and dice.random() < 0.4:
        return data[: dice.choice(seed.elements)[dice.randint(1, 3)]]
    return data[: _place(data, dice)] if dice.random() < 0.7 else data[: -dice.randint(1, 300)]


def cut_out(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    place = _place(data, dice)
    del data[place : place + dice.choice((1, 2, 8, 100, 1000))]
    return data


def splice(data: bytearray, seed: Seed, dice: random.Random) -> bytearray:
    place, count = _place(data, dice), dice.choice((1, 4, 40, 400))
    data[place : place + count * dice.randint(0, 1)] = dice.randbytes(count)
    return data


CHANGES = (
    *(flip_bits, flip_bits, set_integer, set_length, set_length, swap_vr, drop_element, repeat_element, other_element),
    *(
        set_number,
        set_number,
        set_text,
        add_frames,
        nest,
        other_syntax,
        break_fragments,
        break_picture,
        break_picture,
        break_picture,
    ),
    *(cut_short, cut_short, cut_out, splice),
)


def case_bytes(number: int) -> tuple[str, bytes]:
    """Name of the seed, and the changed bytes, of a case."""
    dice = random.Random(number)  # noqa: S311  (a case is its number)
    seed = seed_file(dice.choice(SEEDS))
    data = bytearray(seed.data)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        change = dice.choice(CHANGES)
        data = change(data, seed, dice)
    return seed.name, bytes(data)


# -- running


def read(path: Path, policy: Policy, *, is_picture: bool) -> str:
    """ "read", or the class of our own error; any other exception goes through."""
    spacing = (2.5, 0.7, 0.9) if is_picture else None
    try:
        for series in open_study(path).series:
            series.load(policy=policy, runtime=RUNTIME, spacing_mm=spacing)
    except OverreadError as error:
        str(error)
        return type(error).__name__
    return "read"


def run_case(number: int, folder: Path) -> tuple[str, float]:
    """What a case gave, and seconds; a fault begins with `BUG`."""
    name, data = case_bytes(number)
    path = folder / name
    path.write_bytes(data)
    began = time.perf_counter()
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    try:
        policy = tuple(Policy)[number % 3] if number % 2 else Policy.AS_IS
        said = read(path, policy, is_picture=name in ("a.png", "a.jpg", "a.tif"))
    except Exception as error:  # noqa: BLE001  (exactly what is looked for)
        said = f"BUG {type(error).__name__}: {error}"
    finally:
        faulthandler.cancel_dump_traceback_later()
        path.unlink()
    seconds = time.perf_counter() - began
    return (f"BUG slow: {seconds:.1f} s" if seconds > SLOWEST_S and not said.startswith("BUG") else said), seconds


def peak_bytes() -> int:
    """Most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_cases(first: int, count: int, note: Callable[[int], object] = lambda number: None) -> dict[str, object]:
    """Run the cases of a range in this process."""
    said: Counter[str] = Counter()
    bugs, slowest = [], (0.0, -1)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            note(number)
            before = peak_bytes()
            what, seconds = run_case(number, Path(folder))
            slowest = max(slowest, (seconds, number))
            if peak_bytes() - before > LARGEST_BYTES // 4 and peak_bytes() > LARGEST_BYTES:
                what = f"BUG memory: {peak_bytes() / 2**20:.0f} MiB"
            if what.startswith("BUG"):
                bugs.append((number, what))
                what = "BUG"
            said[what] += 1
    return {"said": dict(said), "bugs": bugs, "slowest": slowest, "peak": peak_bytes()}


def _worker(first: int, count: int, note: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (4 * LARGEST_BYTES, 4 * LARGEST_BYTES))  # not to hurt the machine
    with Path(note).open("w") as stream:

        def write(number: int) -> None:
            stream.seek(0)
            stream.write(f"{number:12d}")
            stream.flush()

        print(json.dumps(run_cases(first, count, write)))


def main() -> None:
    """Run the cases in workers and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", type=int)
    parser.add_argument("--note", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only is not None:
        name, data = case_bytes(arguments.only)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            print(name, len(data), *(f"{policy.name}: {_again(path, policy)}" for policy in Policy), sep="\n")
        return
    if arguments.note:
        _worker(arguments.first, arguments.cases, arguments.note)
        return
    sys.exit(_all(arguments.first, arguments.cases, arguments.workers))


def _again(path: Path, policy: Policy) -> str:
    return read(path, policy, is_picture=path.suffix in (".png", ".jpg", ".tif"))


def _all(first: int, cases: int, workers: int) -> int:
    began, piece = time.perf_counter(), 500
    said: Counter[str] = Counter()
    bugs: list[tuple[int, str]] = []
    slowest, peak = (0.0, -1), 0
    todo = [(at, min(piece, first + cases - at)) for at in range(first, first + cases, piece)]
    with tempfile.TemporaryDirectory() as folder:
        while todo:
            running = []
            for at, count in [todo.pop(0) for _ in range(min(workers, len(todo)))]:
                note = str(Path(folder) / str(at))
                command = [sys.executable, __file__, "--first", str(at), "--cases", str(count), "--note", note]
                running.append((at, count, note, subprocess.Popen(command, stdout=-1, stderr=-1, text=True)))
            for at, count, note, process in running:
                out, complaint = process.communicate()
                if process.returncode:
                    dead = int(Path(note).read_text())
                    words = complaint.strip().splitlines()[-1:] or [""]
                    bugs.append((dead, f"BUG the process died with {process.returncode}: {words[0]}"))
                    todo.append((dead + 1, at + count - dead - 1))
                    continue
                found = json.loads(out)
                said.update(found["said"])
                bugs += [tuple(one) for one in found["bugs"]]
                slowest, peak = max(slowest, tuple(found["slowest"])), max(peak, found["peak"])
            todo = [one for one in todo if one[1] > 0]
    for number, what in sorted(bugs):
        print(number, case_bytes(number)[0], what)
    print(f"{cases} cases in {time.perf_counter() - began:.0f} s: {dict(said.most_common())}")
    print(f"slowest {slowest[0]:.2f} s (case {slowest[1]}), largest process {peak / 2**20:.0f} MiB, {len(bugs)} faults")
    return min(1, len(bugs))


if __name__ == "__main__":
    main()
