"""overlay.png and report.html: the right words, the right place of the marks, nothing fetched, nothing injected."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from overread.cards import TaskCard
from overread.cards.card import Figure as CardFigure
from overread.evidence import read_result, write
from overread.evidence.page import wording
from overread.evidence.page.chart import size_chart
from overread.evidence.page.display import around, detail_windows, make_panel, scale_bar_mm, whole, windows_of
from overread.evidence.page.figure import path_of, tags_of
from overread.evidence.page.outline import outlines
from overread.evidence.page.overlay import OUTLINE, overlay_png
from overread.evidence.page.stacks import stack_of
from overread.evidence.page.tables import answer_of
from overread.evidence.page.viewer import BUDGET_CHARACTERS, viewer_data
from overread.findings import Component, Interval, Measurement, Quality, Reason, Scope, ScopeAnswer
from overread.geometry import axial_grid, orient
from overread.image import Intensity, LabelMap, Volume, Window
from overread.image.window import LUNG, PULMONARY_PAPER, SOFT_TISSUE
from overread.io import open_study

CARD = TaskCard(
    name="t", version="1", title="T", question="Are there nodules?", intended_use="Research.", not_for=("children",),
    inputs=("CT",), refuses=("MR",), method="Classical.", training="None.", weights_licence="none", limits=("4 mm",),
    weights={},
    figures=(CardFigure(name="bias", set_name="phantoms", value=1.5, unit="%", n=60, command="c", interval=(1, 2)),),
)  # fmt: skip
VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that elements are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def page_of(case: Any, out: Path, **options: Any) -> tuple[str, Page]:
    write(case.reading, case.image, out, **options)
    text = (out / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_page_says_every_value_with_its_interval_and_its_limits(case, tmp_path):
    _, page = page_of(case, tmp_path / "out", card=CARD)
    for words in (
        "Research use only, not a diagnosis.", "2 findings", "1230 mm³", "1100 to 1400 mm³", "95 % interval",
        "90 % interval", "not measured", "no solid component", "touches the pleura", "thick slices",
        "cannot exclude 4A", "Are there nodules?", "children", "1.5 % (1 to 2)", "The lung bases are not in the scan.",
        "Geometry: sound", "It is never zero", "pydicom", "2.25.771",
    ):  # fmt: skip
        assert words in page.text, words


def test_page_fetches_nothing_and_its_policy_allows_only_its_own_parts(case, tmp_path):
    text, page = page_of(case, tmp_path / "out")
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/png;base64,")), (tag, name, str(value)[:60])
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    assert "@import" not in text
    assert "url(" not in text
    assert "http" not in re.sub(r"http-equiv", "", text)
    policy = next(a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_page_is_accessible(case, tmp_path):
    _, page = page_of(case, tmp_path / "out")
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        if tag == "img":
            assert attributes.get("alt")
        if tag in {"canvas", "input"}:
            assert attributes.get("aria-label")
        for name in ("aria-labelledby", "aria-describedby"):
            assert attributes.get(name) is None or attributes[name] in ids
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in ids
    headings = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))
    assert ("html", {"lang": "en"}) in page.tags
    assert any(t == "noscript" for t, _ in page.tags)


HOSTILE = "</script><script>alert(1)</script>&\"'<!--"


def test_hostile_words_stay_words(case, tmp_path):
    finding = dataclasses.replace(
        case.reading.findings[0],
        label=HOSTILE,
        site_text=HOSTILE,
        caveats=(HOSTILE,),
        measurements=(Measurement(HOSTILE, 1.0, "mm", None, HOSTILE),),
    )
    hostile = dataclasses.replace(
        case.reading,
        title=HOSTILE,
        caveats=(HOSTILE,),
        findings=(finding, case.reading.findings[1]),
        provenance=dataclasses.replace(case.reading.provenance, plan={HOSTILE: HOSTILE}),
        windows=(Window(0, 100, HOSTILE),),
    )
    text, page = page_of(dataclasses.replace(case, reading=hostile), tmp_path / "out")
    assert "<script>alert" not in text
    assert [a for t, a in page.tags if t == "script"] == [{"type": "application/json", "id": "viewer-data"}, {}]
    assert HOSTILE in "".join(page.words)


def viewer_of(text: str) -> Any:
    (body,) = re.findall(r'<script type="application/json" id="viewer-data">(.*?)</script>', text, re.DOTALL)
    return json.loads(body)


def test_viewer_holds_each_slice_from_head_to_feet_with_outlines_where_the_mask_is(case, tmp_path):
    text, _ = page_of(case, tmp_path / "out")
    data = viewer_of(text)
    places = [-340.75 + n * 3.0 for n in range(8, -1, -1)]
    words = [f"Axial slice {9 - n} of 9, {place:.1f} mm" for n, place in enumerate(places)]
    assert [s["words"] for s in data["slices"]] == words
    assert data["edges"] == ["R", "L", "A", "P"]
    slice_5 = data["slices"][4]
    numbers = [item[0] for item in slice_5["contours"]]
    assert numbers == [1, 2]
    xy = np.array(slice_5["contours"][0][1]).reshape(-1, 2) / 10 * data["mm"]  # mm from the left and top of the panel
    top = (22.4 - 28 * 0.8) / 2  # 28 rows of 0.8 mm, padded to a square as wide as it is high
    left = (22.4 - 30 * 0.7) / 2
    np.testing.assert_allclose(xy.min(axis=0), (left + 5 * 0.7, top + 6 * 0.8), atol=0.05)
    np.testing.assert_allclose(xy.max(axis=0), (left + 13 * 0.7, top + 11 * 0.8), atol=0.05)
    grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(slice_5["png"].partition(",")[2]))))
    x, y = (np.array(slice_5["contours"][0][1]).reshape(-1, 2) / 10).mean(axis=0).astype(int)
    assert grey[y, x] > grey[-4, -4]


def test_viewer_stays_within_its_budget_and_keeps_the_findings(case):
    rng = np.random.default_rng(3)
    grid = axial_grid((220, 330, 330), spacing_mm=(1.0, 0.7, 0.7))
    noise = rng.integers(-1000, 200, grid.shape, dtype=np.int16)  # cannot be compressed: the worst case
    labels = np.zeros(grid.shape, np.uint8)
    labels[101:104, 50:60, 70:77] = 1
    labels[7, 150:160, 70:77] = 2
    reading = dataclasses.replace(case.reading, segments=LabelMap(labels, grid))
    image = Volume(noise, grid, Intensity.HU)
    data = viewer_data(stack_of(reading, image), reading, windows_of(reading, image))
    size = sum(len(s["png"]) for s in data["slices"]) + sum(len(p) for d in data["details"] for p in d["png"].values())
    assert size < 1.05 * BUDGET_CHARACTERS
    shown = {s["k"] for s in data["slices"]}
    assert {7, 101, 102, 103, 0, 219} <= shown
    assert len(shown) < 220


@pytest.mark.parametrize(
    ("letters", "plane", "edges"),
    [
        ("SPL", "axial", ("R", "L", "A", "P")),
        ("IAR", "axial", ("R", "L", "A", "P")),
        ("PSL", "coronal", ("R", "L", "S", "I")),
        ("AIR", "coronal", ("R", "L", "S", "I")),
        ("LIP", "sagittal", ("A", "P", "S", "I")),
        ("RSA", "sagittal", ("A", "P", "S", "I")),
    ],
)
def test_every_orientation_is_hung_as_radiologists_do(case, letters, plane, edges):
    array, grid = orient(case.image.array, case.image.grid, letters)
    labels, _ = orient(case.reading.segments.array, case.image.grid, letters)
    reading = dataclasses.replace(case.reading, segments=LabelMap(labels, grid))
    stack = stack_of(reading, Volume(array, grid, Intensity.HU))
    assert (stack.plane, stack.edges) == (plane, edges)
    for finding in reading.findings:
        k = stack.slice_of(finding)
        panel = make_panel(stack, k, around(stack, finding), 200, finding)
        lines = dict(panel.contours)[finding.number]
        x, y = np.concatenate(lines).mean(axis=0)
        assert abs(x - 100) < 25
        assert abs(y - 100) < 25  # centred on the finding
        assert panel.values[int(y), int(x)] > -500  # and bright there: marks and pixels turn together
        assert 1 <= stack.image_slice(k) <= stack.slices
        assert labels[stack.image_slice(k) - 1].max() >= finding.number or plane != "axial"


def test_an_oblique_stack_says_so(case):
    angle = np.radians(25)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    grid = dataclasses.replace(case.image.grid, affine_lps=turn @ case.image.grid.affine_lps)
    reading = dataclasses.replace(case.reading, segments=None)
    stack = stack_of(reading, Volume(case.image.array, grid, Intensity.HU))
    assert stack.plane == "oblique axial"
    assert stack.edges[3] == "PS"


def test_outline_runs_half_way_between_pixels():
    inside = np.zeros((8, 9), dtype=bool)
    inside[2:5, 3:7] = True
    (line,) = outlines(inside)
    assert np.array_equal(line[0], line[-1])
    assert line.min(axis=0).tolist() == [1.5, 2.5]
    assert line.max(axis=0).tolist() == [4.5, 6.5]
    assert len(line) <= 9  # straight runs hold no points between
    assert outlines(np.zeros((4, 4), dtype=bool)) == []
    inside[3, 4] = False
    assert len(outlines(inside)) == 2  # a hole has its own line
    assert path_of(line).startswith("M")
    assert path_of(line).endswith("Z")


@pytest.mark.parametrize(
    ("mm_per_px", "size", "length"), [(0.1, 440, 10), (0.8, 440, 100), (0.05, 320, 5), (2.0, 320, 200)]
)
def test_scale_bar_is_round_and_about_a_quarter(mm_per_px, size, length):
    assert scale_bar_mm(mm_per_px, size) == length


def test_scale_of_a_panel_is_in_mm(case):
    stack = stack_of(case.reading, case.image)
    panel = make_panel(stack, 3, whole(stack), 224)
    assert panel.mm_per_px == pytest.approx(22.4 / 224)
    (tag, _) = tags_of(make_panel(stack, 4, whole(stack), 224), leader=10)
    assert (tag.number, tag.anchor) == (1, "start")


def test_overlay_marks_the_rim_and_leaves_the_middle(case):
    picture = np.asarray(Image.open(io.BytesIO(overlay_png(case.reading, case.image))).convert("RGB")).astype(int)
    amber = np.abs(picture - np.array(OUTLINE)).max(axis=2) < 40
    assert picture.shape[1] == 1428
    detail = amber[80:540, 484:944]  # first row, second panel: the finding is in its middle
    assert detail.sum() > 100
    assert not detail[215:245, 215:245].any()
    assert not amber[80:540, 956:1416].any()  # the third panel is unmarked


def test_overlay_without_findings_and_of_many(case):
    nothing = dataclasses.replace(case.reading, findings=(), segments=None)
    assert Image.open(io.BytesIO(overlay_png(nothing, case.image))).size[0] == 1428
    many = tuple(dataclasses.replace(case.reading.findings[0], number=n) for n in range(1, 10))
    tall = Image.open(io.BytesIO(overlay_png(dataclasses.replace(case.reading, findings=many), case.image)))
    assert tall.size[1] < 3500


def test_refusals_say_why_with_and_without_an_image(case, tmp_path):
    reason = Reason("not_chest", "No lung was found.")
    refusal = dataclasses.replace(
        case.reading,
        assessable=False,
        reasons=(reason,),
        scope=Scope(ScopeAnswer.NO, (reason,)),
        findings=(),
        segments=None,
        measurements=(),
    )
    for name, image in (("with", case.image), ("without", None)):
        write(refusal, image, tmp_path / name)
        page = Page((tmp_path / name / "report.html").read_text(encoding="utf-8"))
        assert "Not assessable" in page.text
        assert "No lung was found." in page.text
        assert (tmp_path / name / "overlay.png").exists() == (image is not None)
        assert any(tag == "canvas" for tag, _ in page.tags) == (image is not None)


def test_doubt_and_nothing_found_are_said(case, tmp_path):
    reason = Reason("thick", "Slices are thicker than checked.")
    reading = dataclasses.replace(
        case.reading, findings=(), segments=None, scope=Scope(ScopeAnswer.DOUBTFUL, (reason,))
    )
    _, page = page_of(dataclasses.replace(case, reading=reading), tmp_path / "out")
    assert "No findings" in page.text
    assert "does not rule out disease" in page.text
    assert "Slices are thicker than checked." in page.text


@pytest.mark.parametrize(
    ("measurement", "value", "interval"),
    [
        (Measurement("v", 1234.567, "mm3", Interval(1100.4, 1400.6), ""), "1230 mm³", "1100 to 1400"),
        (Measurement("v", 34.2, "mm3", Interval(30.1, 39.9), ""), "34 mm³", "30 to 40"),
        (Measurement("v", 12345.6, "mm3", Interval(11000, 13000), ""), "12\u202f300 mm³", "11\u202f000 to 13\u202f000"),
        (Measurement("d", 6.7234, "mm", Interval(6.71, 6.74), ""), "6.7 mm", "6.7 to 6.7"),
        (Measurement("h", -0.2, "[hnsf'U]", Interval(-5.2, 4.4), ""), "0 HU", "\u22125 to 4"),
        (Measurement("h", -612.4, "[hnsf'U]", Interval(-640.0, -590.0), ""), "\u2212612 HU", "\u2212640 to \u2212590"),
        (Measurement("s", 0.123456, "1", Interval(0.1, 0.15), ""), "0.123", "0.100 to 0.150"),
        (Measurement("n", 3.0, "{nodules}", None, ""), "3 nodules", ""),
        (Measurement("v", 5.0, "mm3", Interval(4.0, float("inf")), ""), "5 mm³", "4 to no limit"),
        (Measurement.not_measurable("v", "mm", "why"), "not measured", ""),
    ],
)  # fmt: skip
def test_numbers_have_as_many_digits_as_the_interval_supports(measurement, value, interval):
    assert wording.value_text(measurement) == value
    assert wording.interval_text(measurement) == interval


def test_every_quality_flag_has_words():
    everything = Quality.NONE
    for flag in Quality:
        everything |= flag
    words = wording.caveats_of(everything)
    assert len(words) == len(set(words)) == len([f for f in Quality if f is not Quality.NONE])
    assert not any("_" in word for word in words)


def test_chart_needs_two_findings_and_places_them_in_order(case):
    chart = size_chart(case.reading)
    assert chart is not None
    for row in chart.rows:
        assert 0 < row.low < row.value < row.high < chart.width
    assert len(chart.ticks) >= 2
    one = dataclasses.replace(case.reading, findings=case.reading.findings[:1])
    assert size_chart(one) is None


def test_windows_fall_back_by_what_the_values_mean(case):
    bare = dataclasses.replace(case.reading, windows=())
    assert windows_of(bare, case.image) == (LUNG,)
    arbitrary = dataclasses.replace(case.image, intensity=Intensity.ARBITRARY)
    (window,) = windows_of(bare, arbitrary)
    assert window.width > 2
    own = dataclasses.replace(case.image, windows=(Window(1, 5, "own"),))
    assert windows_of(bare, own)[0].name == "own"
    assert answer_of(bare) == "2 findings"


CHECK = """
<script>
const press = (target, key) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const status = () => document.getElementById("viewer-status").textContent;
const seen = [];
window.addEventListener("load", () => setTimeout(() => {
  const canvas = document.getElementById("viewer-slice"), slider = document.getElementById("viewer-slider");
  const ink = () => { const d = canvas.getContext("2d").getImageData(0, 0, 800, 800).data; let n = 0;
    for (let i = 0; i < d.length; i += 4) { if (d[i] > 200 && d[i + 1] > 130 && d[i + 2] < 120) { n++; } } return n; };
  seen.push(["start", status(), ink() > 100]);
  for (const key of ["Home", "ArrowDown", "End", "ArrowUp", "PageUp", "PageDown", "2", "w"]) {
    press(key === "End" ? slider : canvas, key); seen.push([key, status()]);
  }
  press(canvas, "1"); press(canvas, "o");
  setTimeout(() => {
    seen.push(["hidden", status(), ink() < 100,
      document.getElementById("viewer-outlines").getAttribute("aria-pressed")]);
    document.querySelector('button[data-finding="2"]').click();
    seen.push(["click", status()]);
    document.body.setAttribute("data-seen", JSON.stringify(seen));
  }, 300);
}, 500));
</script></body>"""


def test_viewer_works_by_keyboard_in_a_browser(case, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium installed")
    text, _ = page_of(case, tmp_path / "out")
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)  # the probe is not ours to allow
    probe = tmp_path / "probe.html"
    probe.write_text(free.replace("</body>", CHECK), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=6000", "--dump-dom"]
    done = subprocess.run([*command, probe.as_uri()], capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'data-seen="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    seen = {row[0]: row[1:] for row in json.loads(html.unescape(found[1]))}
    assert seen["start"][0].startswith("Axial slice 3 of 9")  # finding 1 is largest there
    assert seen["start"][1] is True
    assert seen["Home"][0].startswith("Axial slice 9 of 9")  # the head comes first
    assert seen["ArrowDown"][0].startswith("Axial slice 8 of 9")
    assert seen["End"][0].startswith("Axial slice 1 of 9")
    assert seen["ArrowUp"][0].startswith("Axial slice 2 of 9")
    assert seen["PageUp"][0].startswith("Axial slice 9 of 9")
    assert seen["PageDown"][0].startswith("Axial slice 1 of 9")
    assert "finding 2" in seen["2"][0]
    assert "soft tissue window" in seen["w"][0]
    assert seen["hidden"][1:] == [True, "false"]
    assert "finding 2" in seen["click"][0]


def test_real_page_runs_under_its_own_policy(case, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium installed")
    page_of(case, tmp_path / "out")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run(
        [*command, "--enable-logging=stderr", (tmp_path / "out" / "report.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert "Content Security Policy" not in done.stderr
    assert "CONSOLE" not in done.stderr, done.stderr
    assert re.search(r'id="viewer"(?! hidden)', done.stdout)
    assert "Axial slice 3 of 9" in done.stdout


def test_a_category_is_not_said_twice(case, tmp_path):
    _, page = page_of(case, tmp_path / "out")
    section = page.text[page.text.index("Lung-RADS 2022: 3") :][:90]
    assert section.startswith("Lung-RADS 2022: 3 cannot exclude 4A Probably benign – see again.")


def test_parts_of_an_interval_are_shares_of_its_variance():
    parts = (Component("noise", 3.0), Component("cut", 0.04, log_scale=True), Component("blur", 0.1))
    m = Measurement("volume", 100.0, "mm3", Interval(90, 110), "", components=parts)
    assert wording.parts_text(m) == "cut 64 %, noise 36 %"
    assert wording.parts_text(dataclasses.replace(m, components=())) == ""


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_unknown_pixels_are_drawn_dark(case, tmp_path, share):
    rng = np.random.default_rng(4)
    array = case.image.array.astype(np.float32)
    array[rng.random(array.shape) < share] = np.nan
    image = dataclasses.replace(case.image, array=array)
    write(case.reading, image, tmp_path / "out")
    stack = stack_of(case.reading, image)
    assert np.isfinite(make_panel(stack, 4, whole(stack), 64).values).all()


def test_real_cases_are_written_and_sound(shared_data, make_reading, tmp_path):
    image = open_study(shared_data / "chest_ct" / "dicom" / "LIDC-IDRI-0003").series[0].load()
    labels = np.zeros(image.grid.shape, dtype=np.uint8)
    labels[6:9, 300:312, 350:366] = 1
    labels[12, 200:205, 130:141] = 2
    reading = dataclasses.replace(
        make_reading(image.source, labels, image.grid, image.verdict), windows=(PULMONARY_PAPER, LUNG, SOFT_TISSUE)
    )
    write(reading, image, tmp_path / "out")
    result = read_result(tmp_path / "out")
    assert result["source_frames"]["how"] == "same"
    assert result["findings"][0]["mask"]["voxels"] == 3 * 12 * 16
    assert (tmp_path / "out" / "report.html").stat().st_size < 6_000_000
    for name in ("seg.dcm", "sr.dcm"):
        if shutil.which("dciodvfy") is None:
            pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
        done = subprocess.run(
            ["dciodvfy", "-new", tmp_path / "out" / name], capture_output=True, text=True, check=False, errors="replace"
        )
        assert done.returncode == 0
        assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []


@pytest.mark.parametrize(("hu", "clean"), [(40, "soft tissue"), (-650, "lung"), (900, "lung"), (-990, "lung")])
def test_the_unmarked_detail_uses_a_window_in_which_the_finding_shows(case, hu, clean):
    windows = (PULMONARY_PAPER, Window(-600, 3200, "lung"), SOFT_TISSUE)
    array = np.where(case.reading.segments.array == 1, hu, case.image.array).astype(np.int16)
    stack = stack_of(case.reading, dataclasses.replace(case.image, array=array))
    _, window = detail_windows(stack, 3, case.reading.findings[0], windows)
    assert window.name == clean
    assert detail_windows(stack, 3, case.reading.findings[0], windows[:1]) == windows[:1] * 2
