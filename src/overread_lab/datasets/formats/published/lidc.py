"""LIDC-IDRI: CT series in DICOM, and one XML a series with the outlines of up to four readers.

Published with Armato et al., Med Phys 38:915-931, 2011, and on the pages of The Cancer Imaging Archive.
Outlines run through the first pixels outside a nodule; those with `inclusion` FALSE are holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label as find_lesions

from overread.errors import DamagedFileError
from overread.image import LabelMap, Volume
from overread.io import Series, open_study
from overread.runtime import Progress
from overread_lab.datasets.formats.outline import area_within_outline
from overread_lab.datasets.formats.patient import published_patient
from overread_lab.datasets.formats.writer import Known, SetWriter

AGREED = 2
_SPACE = "{http://www.nih.gov}"
_NAMES = {1: "1 reader", 2: "2 readers", 3: "3 readers", 4: "4 readers"}
_Outline = tuple[str, bool, NDArray[np.intp], NDArray[np.intp]]


def read_lidc(root: Path, writer: SetWriter, progress: Progress) -> None:
    """Masks count the readers whose outline of a nodule of 3 mm or more holds a voxel; marks of less are no mask."""
    writer.names = dict(_NAMES)
    marks: dict[str, ElementTree.Element] = {}
    for path in sorted(root.rglob("*.xml")):
        with writer.or_left_out(path):
            tree = _tree(path)
            uid = tree.findtext(f"{_SPACE}ResponseHeader/{_SPACE}SeriesInstanceUid", "").strip()
            if tree.tag != f"{_SPACE}LidcReadMessage" or not uid:
                writer.leave_out(path, "it marks no CT series (no LidcReadMessage with a SeriesInstanceUid)")
            elif uid in marks:
                writer.leave_out(path, "another file marks the same series")
            else:
                marks[uid] = tree
    folders = sorted({file.parent for file in root.rglob("*.dcm")})
    for number, folder in enumerate(folders):
        progress("import", number / len(folders))
        with writer.or_left_out(folder):
            for series in open_study(folder).series:
                with writer.or_left_out(folder):
                    _one(folder, series, marks.pop(series.series_uid, None), writer)
    for uid in marks:
        writer.leave_out(f"XML of series {uid}", "the series it marks is not there")


def _one(folder: Path, series: Series, tree: ElementTree.Element | None, writer: SetWriter) -> None:
    if tree is None:
        writer.leave_out(f"series {series.series_uid}", f"no XML marks it ({series.modality or 'no modality'})")
        return
    volume = series.load_volume()
    votes, nodules, outside = _votes(tree, volume)
    patient = published_patient(volume.source.paths[0])
    if outside:
        writer.leave_out(
            f"{outside} outlines of series {series.series_uid}", "their slices are not in the series that is there"
        )
    writer.add(
        f"{patient}_{series.series_uid[-8:]}",
        volume.source.paths,
        Known(
            label=f"nodules_ge3mm={find_lesions(votes >= AGREED, np.ones((3, 3, 3)))[1]}",
            group=patient,
            note=f"LIDC-IDRI; single readers outlined {nodules} nodules >= 3 mm; the mask counts readers, the label "
            f"what {AGREED} or more outlined",
        ),
        LabelMap(votes, volume.grid),
    )


def _votes(tree: ElementTree.Element, volume: Volume) -> tuple[NDArray[np.uint8], int, int]:
    """(slice, row, column) number of readers; nodules that readers outlined; outlines on slices that are not there."""
    place = {frame.sop_uid: index for index, frame in enumerate(volume.source.frames)}
    votes = np.zeros(volume.grid.shape, np.uint8)
    nodules = outside = 0
    for reader in tree.iter(f"{_SPACE}readingSession"):
        inside = np.zeros(volume.grid.shape, bool)
        for nodule in reader.iter(f"{_SPACE}unblindedReadNodule"):
            filled = np.zeros(volume.grid.shape, bool)
            holes = np.zeros(volume.grid.shape, bool)
            drawn = list(_outlines(nodule))
            if all(len(rows) == 1 for _, _, rows, _ in drawn):
                continue  # one point: a nodule of less than 3 mm
            nodules += 1
            for uid, adds, rows, columns in drawn:
                if uid not in place:
                    outside += 1
                    continue
                target = filled if adds else holes
                target[place[uid]] |= _enclosed(rows, columns, volume.grid.shape[1:])
            inside |= filled & ~holes
        votes += inside
    return votes, nodules, outside


def _enclosed(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels inside, worked out in the box around the outline alone."""
    if min(rows.min(), columns.min()) < 0 or rows.max() >= shape[0] or columns.max() >= shape[1]:
        raise DamagedFileError("an outline leaves its slice")
    top, left = rows.min(), columns.min()
    box = (int(rows.max() - top + 1), int(columns.max() - left + 1))
    whole = np.zeros(shape, bool)
    whole[top : top + box[0], left : left + box[1]] = area_within_outline(rows - top, columns - left, box)
    return whole


def _outlines(nodule: ElementTree.Element) -> Iterator[_Outline]:
    for roi in nodule.iter(f"{_SPACE}roi"):
        try:
            points = [
                (int(edge.findtext(f"{_SPACE}yCoord", "")), int(edge.findtext(f"{_SPACE}xCoord", "")))
                for edge in roi.iter(f"{_SPACE}edgeMap")
            ]
        except ValueError:
            raise DamagedFileError("an edgeMap has no whole xCoord and yCoord") from None
        if points:
            rows, columns = np.array(points).T
            adds = roi.findtext(f"{_SPACE}inclusion", "TRUE").strip().upper() != "FALSE"
            yield roi.findtext(f"{_SPACE}imageSOP_UID", "").strip(), adds, rows, columns


def _tree(path: Path) -> ElementTree.Element:
    """The XML; a document that defines entities of its own is refused, as it could grow without end."""
    try:
        text = path.read_bytes()
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise DamagedFileError("the XML declares a document type, which no reading of LIDC does", where=str(path))
        return ElementTree.fromstring(text)  # noqa: S314  (no entities, see above)
    except (OSError, ElementTree.ParseError) as error:
        raise DamagedFileError(f"no XML ({type(error).__name__})", where=str(path)) from None
