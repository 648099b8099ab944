"""report.html: one self-contained page, the same bytes for the same reading. Its words; its layout is a template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from overread._version import __version__
from overread.cards import TaskCard
from overread.evidence.page import chart, wording
from overread.evidence.page.display import Stack, around, detail_windows, make_panel, whole, windows_of
from overread.evidence.page.evidence_figure import evidence_figure
from overread.evidence.page.figure import Figure, figure_of
from overread.evidence.page.stacks import stack_of, unit_of
from overread.evidence.page.style import asset, template
from overread.evidence.page.tables import answer_of, descriptor_rows, glossary, number_table, plural, summary_table
from overread.evidence.page.viewer import viewer_data
from overread.evidence.result_json import DISCLAIMER, plain
from overread.findings import Finding, Reading
from overread.image import Image, Volume, Window

FIGURE_SIDE = 320
MOST_FIGURES = 12
_FACTS = {
    "manufacturer": "Manufacturer",
    "model": "Model",
    "kernel": "Kernel",
    "kvp": "kVp",
    "slice_thickness_mm": "Slice thickness, mm",
    "body_part": "Body part",
    "patient_position": "Patient position",
    "study_date": "Study date",
    "series_description": "Series",
    "transfer_syntax": "Transfer syntax",
}


def _figures(stack: Stack, finding: Finding, windows: tuple[Window, ...]) -> list[Figure]:
    k = stack.slice_of(finding)
    close, clean = detail_windows(stack, k, finding, windows)
    overview = make_panel(stack, k, whole(stack), FIGURE_SIDE)
    detail = make_panel(stack, k, around(stack, finding), FIGURE_SIDE, finding)
    place = stack.words(k)

    def caption(words: str, window: Window) -> str:
        name = f"{window.name.split(',')[0]} window, " if window.name else ""
        return f"{words}; {name}width {window.width:g}, level {window.center:g}"

    return [
        figure_of(
            overview, windows[0], marks=True, tags=True, caption=caption(f"Overview, {place}", windows[0]),
            alt=f"{place} with finding {finding.number} outlined and numbered",
        ),
        figure_of(
            detail, close, marks=True, tags=False, caption=caption("Detail with outline and axes", close),
            alt=f"Detail of finding {finding.number} with its outline",
        ),
        figure_of(
            detail, clean, marks=False, tags=False, caption=caption("The same, unmarked", clean),
            alt=f"Detail of finding {finding.number} without marks",
        ),
    ]  # fmt: skip


def _plain_figures(stack: Stack, windows: tuple[Window, ...]) -> list[Figure]:
    """Slices through an image without a finding."""
    shown = []
    for k in stack.samples():
        panel = make_panel(stack, k, whole(stack), FIGURE_SIDE)
        words = stack.words(k)
        shown.append(figure_of(panel, windows[0], marks=True, tags=False, caption=words, alt=words))
    return shown


def _centre(finding: Finding) -> str:
    """The centre in words, with its unit."""
    if finding.point_lps is not None:
        return f"({', '.join(wording.number_text(v, -1) for v in finding.point_lps)}) mm, LPS"
    assert finding.region is not None  # noqa: S101  (a finding has one of the two)
    row, column = (wording.number_text(v, 0) for v in finding.region.centre_rc)
    frame = f", frame {finding.region.frame_index + 1}" if finding.region.frame_index else ""
    return f"row {row}, column {column}{frame}"


def _finding(finding: Finding, figures: list[Figure]) -> dict[str, Any]:
    numbers = [*([finding.probability] if finding.probability else []), *finding.measurements]
    place = finding.site_text or (finding.site.meaning if finding.site else "")
    return {
        "number": finding.number,
        "heading": ", ".join(word for word in (finding.label.capitalize(), place) if word),
        "figures": figures,
        "descriptors": descriptor_rows(finding.descriptors),
        "numbers": number_table(numbers, f"Measurements of finding {finding.number}"),
        "caveats": finding.caveats,
        "centre": _centre(finding),
        "score": "" if finding.score is None else f"Detector score {finding.score:.3g} (not a probability).",
        "tracking_uid": finding.tracking_uid,
    }


def _facts(reading: Reading, image: Image | None, result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was read, without anything that names the patient."""
    source = result["source"]
    rows = [
        ("Source", f"{source['kind'].upper()}, {plural(source['files'], 'file')}"),
        ("Modality", source["modality"]),
    ]
    if image is not None:
        rows += _size_facts(image)
    rows += [(_FACTS.get(key, key), str(value)) for key, value in source["facts"].items()]
    rows += [("Study UID", source["study_uid"]), ("Series UID", source["series_uid"])]
    return [(name, value) for name, value in rows if value]


def _size_facts(image: Image) -> list[tuple[str, str]]:
    if isinstance(image, Volume):
        k, j, i = image.grid.shape
        spacing = " x ".join(f"{s:.4g}" for s in image.grid.spacing_mm)
        return [("Slices", f"{k} of {j} x {i} pixels"), ("Spacing", f"{spacing} mm (slice, row, column)")]
    *frames, rows, columns = image.grey().shape
    size = f"{frames[0]} of {rows} x {columns} pixels" if frames else f"{rows} x {columns} pixels"
    colour = [("Colour", "shown here as its brightness")] if image.is_colour else []
    scale = image.scale
    spacing = " x ".join(f"{s:.4g}" for s in scale.spacing_mm or ())
    words = f"{spacing} {unit_of(scale)} (row, column); {scale.words}" if scale.spacing_mm else scale.words
    return [("Frames" if frames else "Picture", size), *colour, ("Pixel", words)]


def _in_short(reading: Reading, image: Image | None) -> str:
    """The input in one sentence."""
    if image is None:
        return f"{reading.source.modality or 'Image'}, {plural(len(reading.source.paths), 'file')}."
    if not isinstance(image, Volume):
        return f"{reading.source.modality or 'Picture'}, {_size_facts(image)[0][1]}."
    k, j, i = image.grid.spacing_mm
    return (
        f"{reading.source.modality or 'Image'}, {plural(image.grid.shape[0], 'slice')}, {k:.2f} x {j:.2f} x {i:.2f} mm."
    )


def _geometry(reading: Reading) -> dict[str, Any]:
    words = {
        "sound": "The slices form an even grid; lengths and volumes can be trusted.",
        "caution": "The slices can be placed, but something is odd; see below.",
        "repaired": "The slices did not form an even grid and were mended; see below for what that did.",
        "unsound": "The slices do not form an even grid: lengths and volumes may be wrong.",
    }
    faults = [
        {"severity": f.severity.value, "message": f.message, "files": _some(f.files)} for f in reading.verdict.faults
    ]
    return {"status": reading.verdict.status, "words": words[reading.verdict.status], "faults": faults}


def _some(names: tuple[str, ...]) -> str:
    """The first six names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def _loss(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the masks lost when they were laid on the frames of the source; None where they lie there exactly."""
    frames = result["source_frames"]
    if frames is None or frames["how"] == "same":
        return None
    rows = [
        f"finding {row['finding']}: volume {round(row['volume_percent'], 2) + 0.0:+.2f} %"
        + (f", centre moved {row['centroid_mm']:.2f} mm" if row["centroid_mm"] is not None else ", on no frame")
        for row in frames["loss"]
    ]
    return {"words": "In seg.dcm the masks lie on the frames as they were sent, which changed them by:", "rows": rows}


def _card_figures(card: TaskCard) -> list[dict[str, str]]:
    rows = []
    for figure in card.figures:
        interval = f" ({figure.interval[0]:g} to {figure.interval[1]:g})" if figure.interval else ""
        value = f"{figure.value:g} {figure.unit if figure.unit != '1' else ''}".strip() + interval
        rows.append(
            {"name": figure.name, "value": value, "set_name": figure.set_name, "n": str(figure.n), "note": figure.note}
        )
    return rows


def _proofs(result: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "file": p["file"],
            "read_by": p["read_by"],
            "compared": ", ".join(p["compared"]).replace("_lps_mm", "").replace("_", " "),
        }
        for p in result["read_back"]
    ]


def _provenance(reading: Reading) -> list[tuple[str, str]]:
    p = reading.provenance
    rows = [("Task", f"{p.task} {p.task_version}"), ("Device UID", p.device_uid)]
    rows += sorted(p.versions.items()) + sorted(p.weights.items())
    return [(name, value) for name, value in rows if value]


def _json_for_script(value: object) -> str:
    """JSON that cannot end its own script element."""
    text = json.dumps(plain(value), separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _pictures(reading: Reading, image: Image | None) -> dict[str, Any]:
    """Everything of the page that needs pixels."""
    if image is None:
        return {
            "pictures_title": "",
            "viewer_title": "",
            "figures": {},
            "pictures": [],
            "evidence": [],
            "viewer": None,
            "viewer_windows": [],
            "viewer_findings": [],
            "viewer_steps": "",
            "viewer_note": "",
        }
    stack, windows = stack_of(reading, image), windows_of(reading, image)
    data = viewer_data(stack, reading, windows)
    shown, total = len(data["slices"]), stack.slices
    note = f"To keep the page small it holds {shown} of {total}, all that carry a finding first."
    return {
        "pictures_title": "Slices" if stack.is_volume else "Picture",
        "viewer_title": "Slice viewer" if stack.is_volume else "Picture viewer",
        "figures": {f.number: _figures(stack, f, windows) for f in reading.findings[:MOST_FIGURES]},
        "pictures": [] if reading.findings else _plain_figures(stack, windows),
        "evidence": [evidence_figure(stack, one, windows[0], FIGURE_SIDE) for one in reading.evidence_maps],
        "viewer": _json_for_script(data),
        "viewer_windows": [w.name or f"width {w.width:g}, level {w.center:g}" for w in windows],
        "viewer_findings": data["findings"],
        "viewer_steps": "" if total == 1 else "slice" if stack.is_volume else "frame",
        "viewer_note": "" if shown == total else note,
    }


def report_html(
    reading: Reading, image: Image | None, result: Mapping[str, Any], card: TaskCard | None = None
) -> bytes:
    """The page as UTF-8.

    Parameters
    ----------
    result : mapping
        The finished result.json, for what the writers add (files, proofs, losses, facts without names).
    """
    pixels = _pictures(reading, image)
    style, style_digest = asset("report.css")
    script, script_digest = asset("viewer.js")
    figures = pixels.pop("figures")
    none = "Nothing was found. That does not rule out disease." if reading.assessable else "The image was not assessed."
    if reading.assessable and not reading.seeks_findings:
        none = "The task answers for the image as a whole."
    text = template("report.html.j2").render(
        title=reading.title,
        task=reading.provenance.task,
        task_version=reading.provenance.task_version,
        overread_version=__version__,
        disclaimer=DISCLAIMER,
        answer=answer_of(reading),
        reasons=[r.text for r in reading.reasons],
        doubts=[r.text for r in reading.scope.reasons if reading.assessable],
        caveats=reading.caveats,
        in_short=_in_short(reading, image),
        facts=_facts(reading, image, result),
        geometry=_geometry(reading),
        loss=_loss(result),
        summary=summary_table(reading),
        findings_title="Findings" if reading.seeks_findings else "Answer",
        no_findings=none,
        chart=chart.size_chart(reading),
        image_numbers=number_table(reading.measurements, "Of the whole image"),
        image_labels=descriptor_rows(reading.labels),
        findings=[_finding(f, figures.get(f.number, [])) for f in reading.findings],
        glossary=glossary(reading),
        card=card,
        card_figures=_card_figures(card) if card else [],
        proofs=_proofs(result),
        not_written=result["not_written"],
        notes=result["notes"],
        provenance=_provenance(reading),
        plan=json.dumps(plain(reading.provenance.plan), indent=1, ensure_ascii=False, sort_keys=True),
        style=style,
        style_digest=style_digest,
        script=script,
        script_digest=script_digest,
        **pixels,
    )
    return text.encode()
