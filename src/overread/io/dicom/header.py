"""The header of one DICOM image file: what the reader needs of it, in plain types. No grouping, no pixels."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from functools import lru_cache
from io import FileIO
from struct import iter_unpack, unpack
from typing import NamedTuple

from overread.errors import DamagedFileError, UnsupportedFormatError
from overread.io.dicom.charset import codec_of
from overread.io.dicom.classes import describe_class
from overread.io.dicom.frames import are_whole
from overread.io.dicom.privacy import Patient
from overread.io.dicom.tags import (
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    PIXEL_DATA,
    UNDEFINED,
    OddHeaderError,
    ShortBufferError,
    Walked,
    walk,
)

FIRST_READ = 4096
_LATER_READS = (1 << 16, 1 << 22)

_LONGEST_TEXT = 128  # UI, LO 64; CS with several values as image type has

SOP_CLASS, SOP_UID, IMAGE_TYPE, CHARSET = 0x00080016, 0x00080018, 0x00080008, 0x00080005
POSITION, ORIENTATION, INSTANCE_NUMBER = 0x00200032, 0x00200037, 0x00200013
_OF_EACH_SLICE = frozenset((SOP_UID, POSITION, INSTANCE_NUMBER))
_OF_THE_SERIES: dict[str, int] = {
    "sop_class_uid": SOP_CLASS,
    "study_uid": 0x0020000D,
    "series_uid": 0x0020000E,
    "frame_of_reference_uid": 0x00200052,
    "modality": 0x00080060,
    "image_type": IMAGE_TYPE,
    "study_date": 0x00080020,
    "manufacturer": 0x00080070,
    "model": 0x00081090,
    "description": 0x0008103E,
    "series_number": 0x00200011,
    "acquisition_number": 0x00200012,
    "temporal_position": 0x00200100,
    "echo_time_ms": 0x00180081,
    "echo_number": 0x00180086,
    "trigger_time_ms": 0x00181060,
    "b_value": 0x00189087,
    "gradient": 0x00189089,
    "body_part": 0x00180015,
    "patient_position": 0x00185100,
    "kernel": 0x00181210,
    "kvp": 0x00180060,
    "slice_thickness_mm": 0x00180050,
    "spacing_between_mm": 0x00180088,
    "gantry_tilt_deg": 0x00181120,
    "orientation": ORIENTATION,
    "side": 0x00200060,
    "image_side": 0x00200062,
    "spacing_mm": 0x00280030,
    "samples": 0x00280002,
    "photometric": 0x00280004,
    "frames": 0x00280008,
    "rows": 0x00280010,
    "columns": 0x00280011,
    "bits_allocated": 0x00280100,
    "bits_stored": 0x00280101,
    "high_bit": 0x00280102,
    "signed": 0x00280103,
    "padding": 0x00280120,
    "padding_limit": 0x00280121,
    "float_padding": 0x00280122,
    "double_padding": 0x00280123,
    "window_center": 0x00281050,
    "window_width": 0x00281051,
    "window_function": 0x00281056,
    "intercept": 0x00281052,
    "slope": 0x00281053,
    "rescale_type": 0x00281054,
    "lossy": 0x00282110,
}
_PATIENT = (0x00100020, 0x00100010, 0x00100030)  # compared, never kept: see `_patient_key` and `_patient`
_OTHER_NAMES = (0x00101001, 0x00101005, 0x00101060)  # other names, birth name, mother's birth name
_OTHER_IDENTIFIERS = 0x00101000
_NAMING = (*_PATIENT, *_OTHER_NAMES, _OTHER_IDENTIFIERS)
WANTED = frozenset((*_OF_EACH_SLICE, *_OF_THE_SERIES.values(), *_NAMING, CHARSET))
_SHARED_TAGS = (*_OF_THE_SERIES.values(), *_NAMING, CHARSET)
_BODY_PARTS = frozenset(
    ("CHEST", "LUNG", "THORAX", "HEART", "ABDOMEN", "PELVIS", "HEAD", "NECK", "BRAIN", "SPINE", "ARM", "HAND", "LEG")
)
"""Defined terms of Body Part Examined that may be names of people, too; as a body part they tell nothing of anyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The part of a header that slices of one series usually share; made once for all of them.

    `facts` hold no text that names the patient. `orientation` is (6,) direction cosines, `spacing_mm` (row, column);
    both empty where the tag is absent or unreadable. `padding` and `padding_limit` are raw bytes, since their VR is
    often wrong. `patient_key` tells two patients apart inside one process and says nothing about either.
    `float_bits` is 32 or 64 where pixels are real numbers, else 0; `float_padding` is then what the padding tag says.
    `laterality` is R, L or whatever else the tag says. `stack_id` is that of an enhanced object. `stack` names one of
    several stacks that share a series UID, `stack_number` counts them from 1; empty and 0 where there is one.
    """

    transfer_syntax: str
    sop_class_uid: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    modality: str
    image_type: str
    facts: dict[str, str | float] = field(hash=False)
    acquisition_number: str
    temporal_position: str
    echo_time_ms: float
    echo_number: str
    trigger_time_ms: float
    b_value: float
    gradient: tuple[float, ...]
    slice_thickness_mm: float
    spacing_between_mm: float
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    samples: int
    photometric: str
    frames: int
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    padding: bytes
    padding_limit: bytes
    windows: tuple[tuple[float, float], ...]
    window_function: str
    slope: float
    intercept: float
    has_rescale: bool
    rescale_type: str
    lossy: bool
    laterality: str
    patient_key: int = field(repr=False)
    float_bits: int = 0
    float_padding: float = math.nan
    stack_id: str = ""
    stack: str = ""
    stack_number: int = 0


class Header(NamedTuple):
    """One frame of an image file. `pixel_offset` is -1 where only pydicom can reach the pixels.

    `pixel_offset` and `pixel_length` are those of the whole pixel data; `frame_number` counts from 1. `is_whole` is
    False where compressed pixels go on beyond the end of the file.
    `instance_number` is None where it is absent or no number.
    """

    path: str
    shared: Shared
    sop_uid: str
    position_lps: tuple[float, ...]
    pixel_offset: int
    pixel_length: int
    file_size: int
    frame_number: int = 1
    is_whole: bool = True
    instance_number: int | None = None


class NoPixelsError(Exception):
    """A sound DICOM object without pixels; the text names its kind."""

    def __init__(self, what: str, sop_class_uid: str) -> None:
        super().__init__(what)
        self.sop_class_uid = sop_class_uid


SharedCache = dict[tuple[str, int, tuple[bytes | None, ...]], Shared]
FLOAT_BITS = {0x7FE00008: 32, 0x7FE00009: 64}
"""Float Pixel Data and Double Float Pixel Data."""


def read_header(path: str, cache: SharedCache, head: bytes | None = None, size: int | None = None) -> Header:
    """Header of one DICOM file from its first bytes; pydicom reads what our own walk does not follow.

    Raises
    ------
    DamagedFileError
        The file ends inside its header, or not even pydicom can read it.
    NoPixelsError
        The object holds no pixels.
    UnsupportedFormatError
        Pixels of a kind that overread does not read.
    """
    if head is None or size is None:
        head, size = first_bytes(path)
    for more in (*_LATER_READS, 0):
        try:
            walked = walk(head, WANTED, whole=len(head) >= size)
            break
        except ShortBufferError:
            if len(head) >= size:
                raise DamagedFileError(
                    f"the file ends inside its header, after {size} bytes",
                    where=path,
                    way_out="Copy or send the file again.",
                ) from None
            if not more:
                return _from_pydicom(path, cache, size)
            head, size = first_bytes(path, more)
        except OddHeaderError:
            return _from_pydicom(path, cache, size)
    header = header_from(path, walked, cache, size)
    if header.pixel_length == UNDEFINED and not are_whole(
        path, header.pixel_offset, size, max(1, header.shared.frames)
    ):
        return header._replace(is_whole=False)
    return header


def first_bytes(path: str, count: int = FIRST_READ) -> tuple[bytes, int]:
    """The first `count` bytes of a file and its size."""
    with FileIO(path) as stream:
        return stream.read(count), os.fstat(stream.fileno()).st_size


def _from_pydicom(path: str, cache: SharedCache, size: int) -> Header:
    from overread.io.dicom.fallback import walk_with_pydicom  # noqa: PLC0415  (a heavy library that few files need)

    return header_from(path, walk_with_pydicom(path, WANTED), cache, size)


def header_from(path: str, walked: Walked, cache: SharedCache, size: int) -> Header:
    """Turn raw values into a header; raises as `read_header`."""
    found = walked.elements
    float_bits = FLOAT_BITS.get(walked.pixel_tag, 0)
    key = (walked.transfer_syntax, float_bits, tuple([found.get(tag) for tag in _SHARED_TAGS]))
    shared = cache.get(key)
    if shared is None:
        shared = cache[key] = _shared_from(walked.transfer_syntax, found, float_bits)
    if walked.pixel_tag != PIXEL_DATA and not float_bits:
        if walked.pixel_tag:
            raise UnsupportedFormatError(f"pixels in an element {walked.pixel_tag:08X} that is not known", where=path)
        if not shared.sop_class_uid:
            raise DamagedFileError("it begins like DICOM but says neither what it is nor any pixel", where=path)
        raise NoPixelsError(describe_class(shared.sop_class_uid, shared.modality), shared.sop_class_uid)
    if walked.pixel_length == UNDEFINED and walked.transfer_syntax in (IMPLICIT_LITTLE, EXPLICIT_LITTLE):
        raise DamagedFileError("its pixels are in fragments, but its transfer syntax has none", where=path)
    return Header(
        path,
        shared,
        _text(found.get(SOP_UID, b"")),
        _floats(found.get(POSITION, b"")),
        walked.pixel_offset,
        walked.pixel_length,
        size,
        instance_number=_integer(found.get(INSTANCE_NUMBER, b"")),
    )


def _shared_from(syntax: str, found: dict[int, bytes], float_bits: int) -> Shared:
    raw = {name: found.get(tag, b"") for name, tag in _OF_THE_SERIES.items()}
    facts: dict[str, str | float] = {**_texts(raw, found)}
    for name in ("kvp", "slice_thickness_mm", "gantry_tilt_deg", "series_number"):
        if math.isfinite(number := _number(raw[name])):
            facts[name] = number
    facts["transfer_syntax"] = syntax
    bits = _uint16(raw["bits_allocated"], 16)
    frames = _integer(raw["frames"])
    stored = _uint16(raw["bits_stored"], bits)
    return Shared(
        transfer_syntax=syntax,
        sop_class_uid=_text(raw["sop_class_uid"]),
        study_uid=_text(raw["study_uid"]),
        series_uid=_text(raw["series_uid"]),
        frame_of_reference_uid=_text(raw["frame_of_reference_uid"]),
        modality=_text(raw["modality"]),
        image_type=_text(raw["image_type"]),
        facts=facts,
        acquisition_number=_text(raw["acquisition_number"]),
        temporal_position=_text(raw["temporal_position"]),
        echo_time_ms=_number(raw["echo_time_ms"]),
        echo_number=_text(raw["echo_number"]),
        trigger_time_ms=_number(raw["trigger_time_ms"]),
        b_value=(*_doubles(raw["b_value"]), math.nan)[0],
        gradient=_doubles(raw["gradient"]),
        slice_thickness_mm=_number(raw["slice_thickness_mm"]),
        spacing_between_mm=_number(raw["spacing_between_mm"]),
        orientation=_floats(raw["orientation"]),
        spacing_mm=_floats(raw["spacing_mm"]),
        samples=_uint16(raw["samples"], 1),
        photometric=_text(raw["photometric"]),
        frames=1 if frames is None else frames,
        rows=_uint16(raw["rows"], 0),
        columns=_uint16(raw["columns"], 0),
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=_uint16(raw["high_bit"], stored - 1),
        signed=_uint16(raw["signed"], 0) == 1,
        padding=raw["padding"],
        padding_limit=raw["padding_limit"],
        float_bits=float_bits,
        float_padding=_real(raw["double_padding" if float_bits == 64 else "float_padding"]),
        windows=tuple(zip(_floats(raw["window_center"]), _floats(raw["window_width"]), strict=False)),
        window_function=_text(raw["window_function"]),
        slope=_number(raw["slope"], 1.0),
        intercept=_number(raw["intercept"], 0.0),
        has_rescale=bool(raw["slope"].strip(b" \0") and raw["intercept"].strip(b" \0")),
        rescale_type=_text(raw["rescale_type"]),
        lossy=_text(raw["lossy"]) == "01",
        laterality=_text(raw["image_side"]) or _text(raw["side"]),
        patient_key=_patient_key([found.get(tag, b"") for tag in _PATIENT]),
    )


def _texts(raw: dict[str, bytes], found: dict[int, bytes]) -> dict[str, str]:
    """The facts in words. Those that name the patient are withheld here, where the patient is still known."""
    codec = codec_of(found.get(CHARSET, b""))
    patient = _patient(found, codec)
    texts = {}
    for name in ("manufacturer", "model", "kernel", "body_part", "patient_position", "description"):
        if text := _text(raw[name], codec):
            coded = name == "body_part" and text.upper() in _BODY_PARTS
            texts[name] = text if coded else patient.withhold(text)
    date = _text(raw["study_date"])
    if len(date) == 8 and date.isdigit():  # whatever else stands there is no date, and may be anything
        texts["study_date"] = date
    if "description" in texts:
        texts["series_description"] = texts.pop("description")
    return texts


def _patient(found: dict[int, bytes], codec: str) -> Patient:
    identifier, name, birth = _PATIENT

    def values(*tags: int) -> tuple[str, ...]:
        return tuple(v for tag in tags for v in found.get(tag, b"").decode(codec, "replace").strip(" \0").split("\\"))

    return Patient(values(name, *_OTHER_NAMES), values(identifier, _OTHER_IDENTIFIERS), values(birth)[0])


def _patient_key(values: list[bytes]) -> int:
    """A number that differs between patients: of the identifier, or of name and birth date where there is none."""
    identifier, name, birth = (value.strip(b" \0") for value in values)
    return hash(identifier or (name, birth))


@lru_cache(maxsize=4096)
def _text(raw: bytes, encoding: str = "latin-1") -> str:
    """A short printable value. Anything else is no such value: where a length is damaged it may be the bytes of the
    elements behind it, a patient's name among them."""
    text = raw.decode(encoding, "replace").strip(" \0")
    return text if len(text) <= _LONGEST_TEXT and text.isprintable() else ""


def _floats(raw: bytes) -> tuple[float, ...]:
    """Decimal strings as floats; empty when one of them is not a number."""
    try:
        return tuple([float(part) for part in raw.rstrip(b" \0").split(b"\\")])
    except ValueError:
        return ()


def _number(raw: bytes, default: float = math.nan) -> float:
    """First decimal string; `default` when absent, NaN when it is not a number."""
    if not raw.strip(b" \0"):
        return default
    values = _floats(raw)
    return values[0] if values else math.nan


def _real(raw: bytes) -> float:
    """FL or FD, little endian; NaN when absent."""
    return float(unpack("<d" if len(raw) == 8 else "<f", raw)[0]) if len(raw) in (4, 8) else math.nan


def _doubles(raw: bytes) -> tuple[float, ...]:
    """FD, little endian; empty when absent."""
    return tuple([one for (one,) in iter_unpack("<d", raw[: len(raw) // 8 * 8])])


def _integer(raw: bytes) -> int | None:
    try:
        return int(raw.split(b"\\")[0].strip(b" \0"))
    except ValueError:
        return None


def _uint16(raw: bytes, default: int) -> int:
    return int.from_bytes(raw[:2], "little") if len(raw) >= 2 else default
