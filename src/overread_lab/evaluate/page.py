"""report.html of an evaluation: one file that loads nothing, in the style of all our pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from overread.errors import OverreadError
from overread.evidence.page.gallery import small_picture
from overread.evidence.page.style import asset, template
from overread.evidence.page.wording import coverage_text
from overread.io import middle_picture, open_study
from overread.units import require_unit
from overread_lab.datasets import Case
from overread_lab.evaluate.plots import draw

if TYPE_CHECKING:
    from overread_lab.evaluate.evaluate import Evaluation

STATUS_WORDS = {
    "scored": "scored",
    "excluded": "left out by its truth",
    "unreadable": "could not be read",
    "refused": "refused by the task",
    "abstained": "no answer to this question",
}


def report_html(evaluation: Evaluation) -> bytes:
    """The page as UTF-8."""
    style, style_digest = asset("report.css")
    own_style, own_digest = asset("evaluation.css", package="overread_lab.evaluate")
    document = evaluation.document
    cases = {case.case: case for case in evaluation.manifest.cases}
    text = template("evaluation.html.j2", package="overread_lab.evaluate", folder="").render(
        d=document,
        card=evaluation.card,
        questions=[
            _question(evaluation, question, scorer, cases)
            for question, scorer in zip(document["questions"], evaluation.scorers, strict=True)
        ],
        against=_against(document["against"]),
        style=style,
        style_digest=style_digest,
        own_style=own_style,
        own_digest=own_digest,
    )
    return text.encode()


def value_text(figure: dict[str, Any]) -> str:
    """Such as "0.931" or "12.4 mm"; "undefined" where there is no number."""
    if figure["value"] is None:
        return "undefined"
    return f"{number(figure['value'])} {require_unit(figure['unit']).display}".strip()


def number(value: float) -> str:
    """Three decimals below 10, else three digits; a true minus sign."""
    size = abs(value)
    text = f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:.0f}"
    return text.replace("-", "\u2212")


def limits_text(row: dict[str, Any]) -> str:
    """Such as "0.91 to 0.95"; empty where there is none."""
    if row["low"] is None or row["high"] is None:
        return ""
    return f"{number(row['low'])} to {number(row['high'])}"


def _row(figure: dict[str, Any]) -> dict[str, str]:
    limits = limits_text(figure)
    how = f"{coverage_text(figure['coverage'])} interval, {figure['method']}" if limits else ""
    return {
        "name": figure["name"],
        "value": value_text(figure),
        "limits": limits,
        "how": how,
        "n": str(figure["n"]),
        "note": figure["note"],
    }


def _beside(statuses: dict[str, int]) -> str:
    """What stands beside every mean: how many of how many, and why the others are not in it."""
    total = sum(statuses.values())
    rest = [f"{n} {STATUS_WORDS[name]}" for name, n in statuses.items() if n and name != "scored"]
    return f"{statuses['scored']} of {total} cases" + (f"; {', '.join(rest)}" if rest else "")


def _question(evaluation: Evaluation, question: dict[str, Any], scorer: Any, cases: dict[str, Case]) -> dict[str, Any]:
    rows = [entry.row for entry in evaluation.entries[question["name"]] if entry.row is not None]
    return {
        "name": question["name"],
        "title": question["name"].replace("_", " "),
        "classes": question["classes"],
        "beside": _beside(question["cases"]),
        "held_back": [{**row, "words": STATUS_WORDS[row["status"]]} for row in question["held_back"]],
        "first": _row(question["figures"][0]),
        "figures": [_row(figure) for figure in question["figures"]],
        "plots": [draw(plot) for plot in scorer.plots(rows)],
        "subgroups": [
            {
                "part": f"{part['column']}: {part['value']}",
                "beside": _beside(part["cases"]),
                **_row(part["figure"]),
            }
            for part in question["subgroups"]
        ],
        "worst": [_worst(cases[row["case"]], row["words"]) for row in question["worst"]],
    }


def _worst(case: Case, words: str) -> dict[str, Any]:
    """A case that went wrong, small; where its picture cannot be had, why."""
    found: dict[str, Any] = {"case": case.case, "words": words, "shown": None, "no_picture": "no image"}
    if case.image is None:
        return found
    try:
        series = open_study(case.image).series
        largest = max(series, key=lambda one: one.shape[0])
        found["shown"] = small_picture(middle_picture(largest), case.case)
    except OverreadError as error:
        found["no_picture"] = error.what
    return found


def _against(table: dict[str, Any] | None) -> dict[str, Any] | None:
    if table is None:
        return None
    rows = []
    for row in table["questions"]:
        values = {key: "undefined" if row[key] is None else number(row[key]) for key in ("here", "there", "difference")}
        p = {key: "" if row[key] is None else f"{row[key]:.4f}" for key in ("p", "p_holm")}
        rows.append({**row, **values, **p, "limits": limits_text(row)})
    return {**table, "questions": rows}
