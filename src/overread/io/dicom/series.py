"""DICOM headers gathered into series, and whether the slices of one series belong together. No pixels."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from overread.geometry import Fault, Policy, Severity, right_angled
from overread.geometry.stack import Frames, Stack, assess_stack, verdict_of
from overread.image import Source, SourceFrame
from overread.io.dicom.belong import disagreements, nameless, repeated
from overread.io.dicom.classes import describe_class, is_derived_object
from overread.io.dicom.codecs import CODECS, NATIVE, is_known
from overread.io.dicom.header import Header, Shared
from overread.io.dicom.pixels import Rescale, padding_is_tissue, same_pixels
from overread.io.dicom.split import Part, named, split_stacks
from overread.io.dicom.tag_faults import acquisition_notes, order_notes, side_faults, tag_faults
from overread.io.dicom.windows import is_window_function
from overread.io.door.discover import SkipKind, relative

ENHANCED_CLASSES = frozenset(
    "1.2.840.10008.5.1.4.1.1." + tail for tail in ("2.1", "2.2", "4.1", "4.3", "4.4", "128.1", "130")
)
"""Enhanced and legacy-converted enhanced CT, MR and PET: their places are in functional groups."""
_IMAGE = "1.2.840.10008.5.1.4.1.1."
_SLICE_CLASSES = frozenset(_IMAGE + tail for tail in ("2", "4", "128"))
"""CT, MR and PET, one slice a file."""
_PICTURE_CLASSES = tuple(_IMAGE + tail for tail in ("1.", "3.1", "6.1", "12.", "77.1."))
"""CR, DX, MG and kin; ultrasound clips and pictures; XA and RF; visible light."""
_PHOTOMETRIC = frozenset(
    [(1, name) for name in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")]
    + [(3, name) for name in ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")]
)


@dataclass(frozen=True, slots=True, eq=False)
class DicomSeries:
    """The files of one series, in order of path, with the faults that no policy can change."""

    root: Path
    headers: tuple[Header, ...]
    faults: tuple[Fault, ...]

    def name(self, header: Header) -> str:
        """The file as the user knows it: relative to what was opened."""
        return relative(header.path, self.root)

    def assess(self, policy: Policy) -> tuple[Stack, tuple[Header, ...]]:
        """How the files become slices under a policy, and the files that `Stack.order` counts."""
        faults = list(self.faults)
        headers = self.headers
        cut = [header for header in headers if is_cut_short(header)]
        if cut:
            refused = policy is Policy.STRICT or len(cut) == len(headers)
            faults.append(self._cut_fault(cut, refused))
            if not refused:
                headers = tuple(header for header in headers if not is_cut_short(header))
        order = np.arange(len(headers))
        if any(fault.severity is Severity.FATAL for fault in faults):
            return Stack(order, None, verdict_of(faults, policy, {"frames": len(self.headers)})), headers
        first = headers[0].shared
        frames = Frames(
            positions_lps=np.array([header.position_lps for header in headers]),
            row_lps=_three(first.orientation[:3]),
            column_lps=_three(first.orientation[3:]),
            spacing_mm=(first.spacing_mm[0], first.spacing_mm[1]),
            shape=(first.rows, first.columns),
            names=[self.name(header) for header in headers],
            thickness_mm=Counter(header.shared.slice_thickness_mm for header in headers).most_common(1)[0][0],
        )
        stack = assess_stack(frames, policy, lambda a, b: same_pixels(headers[a], headers[b]))
        if stack.verdict.has("duplicate_position"):
            faults += acquisition_notes(headers)
        faults += tag_faults(first, stack.verdict.facts)
        faults += order_notes([headers[n] for n in stack.order])
        faults += side_faults(frames, first.laterality)
        faults += [self._with_lost(fault, cut) for fault in stack.verdict.faults]
        verdict = verdict_of(faults, policy, stack.verdict.facts, stack.verdict.repaired)
        return Stack(stack.order, stack.grid, verdict, stack.lower, stack.weight), headers

    def _with_lost(self, fault: Fault, cut: list[Header]) -> Fault:
        """A fault of missing slices, with the files that cannot be read and may be they."""
        lost = [name for one in self.faults if one.code == "unreadable_files" for name in one.files]
        lost += [self.name(header) for header in cut]
        if fault.code != "missing_slices" or not lost:
            return fault
        named = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
        message = f"{fault.message}; {named} cannot be read and may be {'it' if len(lost) == 1 else 'among them'}"
        return replace(fault, message=message, files=(*fault.files, *lost))

    def _cut_fault(self, cut: list[Header], refused: bool) -> Fault:
        message = f"{len(cut)} of {len(self.headers)} files end inside their pixels{'' if refused else '; left out'}"
        severity = Severity.FATAL if refused else Severity.WARNING
        return Fault("truncated_file", severity, message, None, tuple(self.name(header) for header in cut))

    def source(self, headers: Sequence[Header], unread: Sequence[Header] = ()) -> Source:
        """Where slices made of these headers come from; frames of `unread` files have a place, too, but no pixels."""
        shared = self.headers[0].shared
        return Source(
            kind="dicom",
            root=self.root,
            paths=tuple([Path(header.path) for header in headers]),
            study_uid=shared.study_uid,
            series_uid=shared.series_uid,
            frame_of_reference_uid=shared.frame_of_reference_uid,
            modality=shared.modality,
            frames=tuple([_frame(header) for header in (*headers, *unread)]),
            facts=dict(shared.facts),
        )


def _frame(header: Header) -> SourceFrame:
    shared = header.shared
    spacing = shared.spacing_mm if len(shared.spacing_mm) == 2 else (math.nan, math.nan)
    row, column = right_angled(_three(shared.orientation[:3]), _three(shared.orientation[3:]))
    return SourceFrame(
        Path(header.path),
        shared.sop_class_uid,
        header.sop_uid,
        header.frame_number,
        _three(header.position_lps),
        _three(row.tolist()),
        _three(column.tolist()),
        (spacing[0], spacing[1]),
        (shared.rows, shared.columns),
    )


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return (values[0], values[1], values[2]) if len(values) == 3 else (math.nan, math.nan, math.nan)


def refusal(shared: Shared) -> tuple[SkipKind, str] | None:
    """Why no image can be made of such a file: (kind of skip, reason), or None."""
    if is_derived_object(shared.sop_class_uid):
        return "no_pixels", f"{describe_class(shared.sop_class_uid, shared.modality)}, not an image"
    unsupported = _unsupported(shared)
    if unsupported:
        return "unsupported", unsupported
    if shared.rows < 1 or shared.columns < 1:
        return "damaged", f"the header says {shared.rows} x {shared.columns} pixels"
    if not (1 <= shared.bits_stored <= shared.high_bit + 1 <= shared.bits_allocated):
        bits = f"{shared.bits_stored} stored, high bit {shared.high_bit}, {shared.bits_allocated} allocated"
        return "damaged", f"the header contradicts itself about bits: {bits}"
    return None


def _unsupported(shared: Shared) -> str:
    """What is not read in a sound file; empty when nothing."""
    if not is_known(shared.transfer_syntax):
        return f"pixels are coded in transfer syntax {shared.transfer_syntax}, which has no decoder here"
    if (shared.samples, shared.photometric) not in _PHOTOMETRIC:
        kind = shared.photometric or "no photometric interpretation"
        return f"{shared.samples} samples a pixel with {kind}, which do not go together or are not read"
    if shared.float_bits:
        is_plain = shared.photometric == "MONOCHROME2" and shared.transfer_syntax in NATIVE
        if not is_plain or shared.bits_allocated != shared.float_bits:
            return f"real numbers of {shared.float_bits} bits that are compressed, inverted or said to have other bits"
        return ""
    allowed = (1, 8, 16, 32) if is_picture(shared) else (8, 16, 32)
    if shared.bits_allocated not in allowed:
        return f"{shared.bits_allocated} bits allocated a pixel, expected one of {', '.join(map(str, allowed))}"
    return ""


def is_picture(shared: Shared) -> bool:
    """Whether an object is no slice of a stack: a projection, ultrasound, colour, or frames without a place."""
    if shared.samples != 1 or not shared.photometric.startswith("MONOCHROME") or shared.bits_allocated == 1:
        return True
    if shared.sop_class_uid in _SLICE_CLASSES:
        return False
    if shared.frames > 1 or shared.sop_class_uid.startswith(_PICTURE_CLASSES):
        return True
    return len(shared.orientation) != 6


def is_cut_short(header: Header) -> bool:
    """Whether a file ends before its last pixel, or inside its compressed pixels."""
    shared = header.shared
    if shared.transfer_syntax not in NATIVE or header.pixel_offset < 0:
        return not header.is_whole
    need = _native_length(shared)
    return header.pixel_length < need or header.pixel_offset + need > header.file_size


def is_too_long(header: Header) -> bool:
    """Whether native pixels are more than the header's rows and columns can hold, beyond padding to an even length."""
    shared = header.shared
    if shared.transfer_syntax not in NATIVE or header.pixel_offset < 0:
        return False
    return header.pixel_length > _native_length(shared) + 1


def _native_length(shared: Shared) -> int:
    """Bytes of native pixels of all frames."""
    pixels = shared.rows * shared.columns * max(1, shared.frames)
    samples = 2 if shared.photometric == "YBR_FULL_422" else shared.samples
    return (pixels * samples * shared.bits_allocated + 7) // 8


def is_localizer(shared: Shared) -> bool:
    """Whether the image is a scout view by its image type."""
    return "LOCALIZER" in shared.image_type.split("\\")


def _no_faults(headers: Sequence[Header]) -> Sequence[Fault]:
    return ()


def gather(
    headers: Sequence[Header], root: Path, more: Callable[[Sequence[Header]], Sequence[Fault]] = _no_faults
) -> list[DicomSeries]:
    """Series from headers in order of path: by series UID, localizers apart. Each gets `more` faults beside its own."""
    groups: dict[Hashable, tuple[list[Header], list[Header]]] = defaultdict(lambda: ([], []))
    for header in headers:
        shared = header.shared
        groups[shared.study_uid, shared.series_uid][is_localizer(shared)].append(header)
    series = []
    for slices, scouts in groups.values():
        stacks = split_stacks(slices, same_pixels) if slices else []
        pilots = split_stacks(scouts, same_pixels) if scouts else []
        if stacks:  # else the scout views are all there is, and keep the UID for themselves
            pilots = [
                Part(named(pilot.headers, number, "scout view"), [])
                for number, pilot in enumerate(pilots, start=len(stacks) + 1)
            ]
        for part, beside in (*((stack, scouts) for stack in stacks), *((pilot, []) for pilot in pilots)):
            own = (*_faults(part.headers, root), *_apart_notes(part, beside, root))
            series.append(DicomSeries(root, tuple(part.headers), (*own, *more(part.headers))))
    return series


def _apart_notes(part: Part, scouts: list[Header], root: Path) -> list[Fault]:
    """What else carries the series UID and was set apart from these slices."""
    faults: list[Fault] = []
    name = part.headers[0].shared.stack
    if name:
        message = f"several stacks share one series UID: this is {name}"
        faults.append(Fault("split_series", Severity.NOTE, message))
    if part.strays:
        files = tuple(relative(header.path, root) for header in part.strays)
        words = sorted({header.shared.stack.partition(", ")[2] for header in part.strays})
        count = "1 picture of another plane or size was"
        if len(files) > 1:
            count = f"{len(files)} pictures of other planes or sizes were"
        message = f"{count} set apart ({'; '.join(words)}): {files[0]}"
        faults.append(Fault("stray_slices", Severity.WARNING, message, None, files))
    if scouts:
        files = tuple(relative(header.path, root) for header in scouts)
        count = "1 scout view shares" if len(files) == 1 else f"{len(files)} scout views share"
        message = f"{count} the series UID, set apart: {files[0]}"
        faults.append(Fault("localizer_apart", Severity.NOTE, message, None, files))
    return faults


def _faults(group: list[Header], root: Path) -> list[Fault]:
    """Faults of one series that no policy changes: slices that do not belong together, missing or broken tags."""
    names = {id(header): relative(header.path, root) for header in group}
    by_shared: dict[int, list[Header]] = defaultdict(list)
    for header in group:
        by_shared[id(header.shared)].append(header)
    kinds = [(members[0].shared, members) for members in by_shared.values()]
    faults: list[Fault] = []

    def of_files(code: str, severity: Severity, message: str, bad: list[Header]) -> None:
        if bad:
            count = f"{len(bad)} of {len(group)} files"
            faults.append(Fault(code, severity, f"{count} {message}", None, tuple(names[id(h)] for h in bad)))

    def where(test: Callable[[Shared], bool]) -> list[Header]:
        return [header for shared, members in kinds if test(shared) for header in members]

    no_place = [h for h in group if len(h.position_lps) != 3 or not all(map(math.isfinite, h.position_lps))]
    of_files("no_position", Severity.FATAL, "have no usable position in the patient", no_place)
    of_files("no_orientation", Severity.FATAL, "have no orientation", where(lambda s: len(s.orientation) != 6))
    of_files("bad_spacing", Severity.FATAL, "have no usable pixel spacing", where(_bad_spacing))
    of_files("no_uid", Severity.WARNING, "have no usable study, series or SOP instance UID", nameless(group))
    of_files("repeated_uid", Severity.WARNING, "carry the SOP instance UID of another picture", repeated(group))
    too_long = [header for header in group if is_too_long(header)]
    of_files("too_many_pixels", Severity.FATAL, "hold more pixels than their rows and columns say", too_long)
    of_files("bad_rescale", Severity.FATAL, "have a rescale slope or intercept that is no number", where(_bad_rescale))
    of_files("no_rescale", Severity.WARNING, "do not say how stored values become HU", where(_lacks_hu))
    of_files("lossy", Severity.WARNING, "were compressed with loss", where(_is_lossy))
    of_files("window_unknown", Severity.WARNING, "have display windows for an unknown function", where(_odd_window))
    of_files("padding_in_range", Severity.WARNING, "mark padding by a value of tissue; kept", where(_odd_padding))
    if not any(fault.severity is Severity.FATAL for fault in faults):
        faults += disagreements(kinds, names)
    return faults


def _bad_spacing(shared: Shared) -> bool:
    return len(shared.spacing_mm) != 2 or not all(math.isfinite(mm) and mm > 0 for mm in shared.spacing_mm)


def _bad_rescale(shared: Shared) -> bool:
    return not (math.isfinite(shared.slope) and math.isfinite(shared.intercept) and shared.slope != 0)


def _lacks_hu(shared: Shared) -> bool:
    return shared.modality == "CT" and not is_hu(shared)


def is_hu(shared: Shared) -> bool:
    """Whether rescaled values are HU: CT, with a rescale, whose type is absent (PS3.3 C.8.2.1) or HU."""
    return shared.modality == "CT" and shared.has_rescale and shared.rescale_type in ("", "HU")


def rescale_of(shared: Shared) -> Rescale:
    """Slope and intercept of a file, and whether the result is HU."""
    return Rescale(shared.slope, shared.intercept, is_hu(shared))


def _is_lossy(shared: Shared) -> bool:
    codec = CODECS.get(shared.transfer_syntax)
    return shared.lossy or (codec is not None and codec.lossy)


def _odd_window(shared: Shared) -> bool:
    return bool(shared.windows) and not is_window_function(shared.window_function)


def _odd_padding(shared: Shared) -> bool:
    return not _bad_rescale(shared) and padding_is_tissue(shared, rescale_of(shared))
