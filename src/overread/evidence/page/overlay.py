"""overlay.png: each finding on its slice, overview and detail, with outline, scale bar and orientation letters."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from overread._version import __version__
from overread.evidence.page import wording
from overread.evidence.page.display import (
    Panel,
    Stack,
    around,
    detail_windows,
    make_panel,
    scale_bar_mm,
    three_planes,
    whole,
    windows_of,
)
from overread.evidence.page.evidence_figure import evidence_panel
from overread.evidence.page.figure import tags_of
from overread.evidence.page.pen import DIM, INK, OUTLINE, PAPER, stroke, write
from overread.evidence.page.stacks import stack_of
from overread.evidence.page.tables import answer_of
from overread.evidence.result_json import DISCLAIMER
from overread.evidence.vocabulary import ascii_text, measurement_term
from overread.findings import EvidenceMap, Finding, Measurement, Reading
from overread.image import Image as AnyImage
from overread.image import Volume, Window

SIDE = 460
GAP = 12
MOST_ROWS = 6
AXIS = (110, 220, 255)


def _tags(picture: Image.Image, panel: Panel) -> None:
    """Number each outline from beside it, with a short leader, so that nothing covers the finding."""
    for tag in tags_of(panel, leader=20):
        start, end = np.array([tag.x1, tag.y1]), np.array([tag.x2, tag.y2])
        stroke(picture, [np.stack([start, end])], OUTLINE, width=1.2)
        away, anchor = (4, "lm") if tag.anchor == "start" else (-4, "rm")
        write(picture, (tag.x2 + away, tag.y2), str(tag.number), 20, colour=OUTLINE, anchor=anchor)


def _draw(panel: Panel, window: Window, *, marks: bool, tags: bool) -> Image.Image:
    picture = Image.fromarray(window.apply(panel.values)).convert("RGB")
    if marks:
        stroke(picture, panel.lines, AXIS, width=1.0, strength=0.75)
        rims = [line for _, lines in panel.contours for line in lines]
        stroke(picture, rims, (0, 0, 0), width=3.0, strength=0.55)
        stroke(picture, rims, OUTLINE, width=1.3)
    if tags:
        _tags(picture, panel)
    left, right, top, bottom = panel.edges
    half, end = panel.size / 2, panel.size - 7
    for at, letter, anchor in (
        ((7, half), left, "lm"),
        ((end, half), right, "rm"),
        ((half, 6), top, "ma"),
        ((half, end), bottom, "md"),
    ):
        write(picture, at, letter, 18, colour=DIM, anchor=anchor)
    length = scale_bar_mm(panel.mm_per_px, panel.size)
    pixels, y = length / panel.mm_per_px, panel.size - 14
    bar = np.array([[12, y - 5], [12, y], [12 + pixels, y], [12 + pixels, y - 5]])
    stroke(picture, [bar], (0, 0, 0), width=4)
    stroke(picture, [bar], INK, width=1.6)
    write(picture, (12, y - 6), f"{length:g} {panel.unit}", 15, colour=INK, anchor="ld")
    return picture


def _size_of(finding: Finding) -> Measurement | None:
    """The length that tells people how large a finding is; its volume where no length was measured."""
    lengths = {m.name: m for m in finding.measurements if m.unit == "mm" and not np.isnan(m.value)}
    for name in ("mean_diameter", "effective_diameter", "long_axis"):
        if name in lengths:
            return lengths[name]
    volumes = (m for m in finding.measurements if m.name == "volume" and not np.isnan(m.value))
    return next(iter(lengths.values()), next(volumes, None))


def _heading(finding: Finding) -> str:
    words = [finding.label, finding.site_text]
    if (m := _size_of(finding)) is not None:
        limits = f" ({wording.coverage_text(m.interval.coverage)}: {wording.interval_text(m)})" if m.interval else ""
        words.append(f"{measurement_term(m.name).title.lower()} {wording.value_text(m)}{limits}")
    text = ", ".join(word for word in words if word)
    return ascii_text(text.replace("\u2212", "-").replace(wording.NARROW_SPACE, " "))


def _caption(stack: Stack, panel: Panel, window: Window, words: str) -> str:
    return ascii_text(f"{words}{stack.words(panel.k)}, W {window.width:g} L {window.center:g}")


def _row(stack: Stack, finding: Finding, windows: tuple[Window, ...]) -> Image.Image:
    """Heading, then overview, marked detail and clean detail."""
    k = stack.slice_of(finding)
    overview = make_panel(stack, k, whole(stack), SIDE)
    detail = make_panel(stack, k, around(stack, finding), SIDE, finding)
    close, clean = detail_windows(stack, k, finding, windows)
    pictures = (
        (_draw(overview, windows[0], marks=True, tags=True), _caption(stack, overview, windows[0], "")),
        (_draw(detail, close, marks=True, tags=False), _caption(stack, detail, close, "detail, outlined, ")),
        (_draw(detail, clean, marks=False, tags=False), _caption(stack, detail, clean, "detail, unmarked, ")),
    )
    row = Image.new("RGB", (3 * SIDE + 2 * GAP, SIDE + 60), PAPER)
    write(row, (0, 6), str(finding.number), 22, colour=OUTLINE)
    write(row, (28, 8), _heading(finding), 19)
    for n, (picture, caption) in enumerate(pictures):
        row.paste(picture, (n * (SIDE + GAP), 36))
        write(row, (n * (SIDE + GAP), SIDE + 40), caption, 14, colour=DIM)
    return row


def _planes_row(reading: Reading, image: Volume, window: Window) -> Image.Image:
    """What was measured as a whole, on one section of each plane: a part is missed in one plane, rarely in three."""
    row = Image.new("RGB", (3 * SIDE + 2 * GAP, SIDE + 60), PAPER)
    write(row, (0, 8), "The whole, on its largest section of each plane", 19)
    for n, (stack, k) in enumerate(three_planes(reading, image)):
        panel = make_panel(stack, k, whole(stack), SIDE)
        row.paste(_draw(panel, window, marks=True, tags=True), (n * (SIDE + GAP), 36))
        write(row, (n * (SIDE + GAP), SIDE + 40), _caption(stack, panel, window, ""), 14, colour=DIM)
    return row


def _plain_row(stack: Stack, windows: tuple[Window, ...], maps: tuple[EvidenceMap, ...]) -> Image.Image:
    """Slices without a finding: at a quarter, the middle and three quarters of the stack; a picture with its maps."""
    row = Image.new("RGB", (3 * SIDE + 2 * GAP, SIDE + 24), PAPER)
    for n, k in enumerate(stack.samples()):
        panel = make_panel(stack, k, whole(stack), SIDE)
        row.paste(_draw(panel, windows[0], marks=True, tags=False), (n * (SIDE + GAP), 0))
        write(row, (n * (SIDE + GAP), SIDE + 4), _caption(stack, panel, windows[0], ""), 14, colour=DIM)
    for n, shown in enumerate(maps[:2], start=1):
        row.paste(Image.fromarray(evidence_panel(stack, shown, windows[0], SIDE)[1]), (n * (SIDE + GAP), 0))
        words = ascii_text(f"orange speaks for, blue against: {shown.label}")
        write(row, (n * (SIDE + GAP), SIDE + 4), words, 14, colour=DIM)
    return row


def overlay_png(reading: Reading, image: AnyImage) -> bytes:
    """The picture of `overlay_rgb` as PNG."""
    stream = io.BytesIO()
    overlay_rgb(reading, image).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def overlay_rgb(reading: Reading, image: AnyImage) -> Image.Image:
    """A row for each of the first `MOST_ROWS` findings, or samples of the image where there is none.

    Where structures of a volume were measured, not looked for, the first row shows them on all three planes.
    """
    stack, windows = stack_of(reading, image), windows_of(reading, image)
    shown = reading.findings[:MOST_ROWS]
    rows = [_row(stack, finding, windows) for finding in shown] or [_plain_row(stack, windows, reading.evidence_maps)]
    if not reading.seeks_findings and isinstance(image, Volume) and stack.where:
        rows.insert(0, _planes_row(reading, image, windows[0]))
    width = rows[0].width + 2 * GAP
    top, bottom = 44, 40
    sheet = Image.new("RGB", (width, top + sum(row.height + GAP for row in rows) + bottom), PAPER)
    write(sheet, (GAP, 10), ascii_text(f"{reading.title}: {answer_of(reading)}"), 22)
    y = top
    for row in rows:
        sheet.paste(row, (GAP, y))
        y += row.height + GAP
    more = len(reading.findings) - len(shown)
    rest = f"{more} more in report.html.  " if more else ""
    write(sheet, (GAP, y + 6), ascii_text(f"{rest}{DISCLAIMER}"), 18, colour=OUTLINE)
    write(sheet, (width - GAP, y + 8), f"overread {__version__}", 14, colour=DIM, anchor="ra")
    return sheet
