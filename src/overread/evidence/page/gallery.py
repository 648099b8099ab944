"""A page of the series in a folder: the middle picture of each, its geometry in words, and which tasks suit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from overread._version import __version__
from overread.evidence.page.display import middle_window
from overread.evidence.page.figure import png_uri
from overread.evidence.page.style import asset, template
from overread.geometry import Verdict
from overread.geometry.orientation import closest_letters
from overread.image import Intensity, Radiograph
from overread.image.window import SOFT_TISSUE

LONGEST_SIDE = 320


@dataclass(frozen=True, slots=True)
class Entry:
    """One series of the page.

    Parameters
    ----------
    facts : (name, value) pairs
    tasks : (name, answer and why) pairs
    picture : Radiograph or None
        None where it cannot be read; `no_picture` says why.
    """

    heading: str
    facts: tuple[tuple[str, str], ...]
    verdict: Verdict
    tasks: tuple[tuple[str, str], ...]
    picture: Radiograph | None
    no_picture: str = ""


def gallery_html(title: str, entries: tuple[Entry, ...], skipped: tuple[tuple[str, str], ...]) -> bytes:
    """The page as UTF-8, self-contained; `skipped` are (file, reason) pairs."""
    style, style_digest = asset("report.css")
    text = template("gallery.html.j2").render(
        title=title,
        overread_version=__version__,
        entries=[
            {
                "heading": entry.heading,
                "facts": entry.facts,
                "status": entry.verdict.status,
                "faults": entry.verdict.faults,
                "tasks": entry.tasks,
                "shown": None if entry.picture is None else small_picture(entry.picture, entry.heading),
                "no_picture": entry.no_picture,
            }
            for entry in entries
        ],
        skipped=skipped,
        style=style,
        style_digest=style_digest,
    )
    return text.encode()


def small_picture(picture: Radiograph, heading: str) -> dict[str, object]:
    """What a template needs to show a picture small: uri, width, height, edges, alt."""
    grey = _display(picture)
    rows, columns = grey.shape[:2]
    down, right = picture.scale.spacing_mm or (1.0, 1.0)
    shrink = LONGEST_SIDE / max(rows * down, columns * right)
    size = (max(1, round(columns * right * shrink)), max(1, round(rows * down * shrink)))
    small = np.asarray(
        Image.fromarray(grey).resize(size, Image.Resampling.BOX if shrink < 1 else Image.Resampling.BICUBIC)
    )
    return {
        "uri": png_uri(small, level=9),
        "width": size[0],
        "height": size[1],
        "edges": _edges(picture),
        "alt": f"middle picture of {heading}",
    }


def _edges(picture: Radiograph) -> tuple[str, str, str, str] | None:
    """Letters at (left, right, top, bottom), where the place in the patient is known."""
    frames = picture.source.frames
    if not frames or not np.isfinite((*frames[0].row_lps, *frames[0].column_lps)).all():
        return None
    right, down = (np.array(axis) for axis in (frames[0].row_lps, frames[0].column_lps))
    return closest_letters(-right), closest_letters(right), closest_letters(-down), closest_letters(down)


def _display(picture: Radiograph) -> NDArray[np.uint8]:
    """8-bit grey or RGB by the picture's own table or window; else soft tissue for CT, or the middle 98 %."""
    if picture.is_colour:
        return picture.array.astype(np.uint8)
    values = picture.array
    if picture.voi_lut is not None:
        first, table = picture.voi_lut
        index = np.clip(np.nan_to_num(values.astype(np.float64)) - first, 0, len(table) - 1).astype(np.intp)
        shown: NDArray[np.uint8] = np.rint(table[index] * 255).astype(np.uint8)
        return shown
    if picture.windows:
        return picture.windows[0].apply(values)
    if picture.intensity is Intensity.HU:
        return SOFT_TISSUE.apply(values)
    return middle_window(values).apply(values)
