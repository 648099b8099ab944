"""The main job, from DICOM files on disk to proven results, on a simulated chest CT whose nodules are known."""

import csv
import json
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import overread
from overread.cli.group import cli
from overread.cli.outcome import run
from overread.errors import ExitCode, UsageError
from overread.geometry import orient
from overread.phantoms.chest import Wanted, chest
from overread.phantoms.dicom_series import write_series
from overread.runtime import Runtime

FILES = {
    "result.json",
    "findings.csv",
    "overlay.png",
    "mask.nii.gz",
    "seg.dcm",
    "sr.dcm",
    "report.html",
    "manifest.json",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return overread.demo(tmp_path_factory.mktemp("demo") / "demo", seed=1)


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A short chest with two nodules: its phantom, its files, its reading and its results."""
    folder = tmp_path_factory.mktemp("short")
    wanted = (Wanted(9.0, "solid", "isolated", "smooth"), Wanted(14.0, "solid", "juxtavascular", "lobulated"))
    phantom = chest(5, nodules=wanted, spacing_mm=(2.5, 1.0, 0.95), matrix=320, length_mm=90.0)
    write_series(phantom.volume, folder / "series", seed=5)
    analysis = overread.analyze(folder / "series", runtime=Runtime(2))
    analysis.save(folder / "results")
    return phantom, folder / "series", analysis, folder / "results"


@pytest.fixture
def series(short):
    return short[1]


@pytest.fixture
def results(short):
    return short[3]


def test_demo_writes_every_file(demo):
    assert {path.name for path in demo.results.iterdir()} == FILES


def test_demo_finds_the_planted_nodules(demo):
    large = [one for one in demo.compared if one.planted.truths["mean_diameter_mm"] >= 6]
    assert len(large) >= 3
    assert sum(one.finding is not None for one in large) >= len(large) - 1
    assert len(demo.extra) <= 2


def test_findings_lie_on_the_planted_side_and_place(demo):
    for one in demo.compared:
        if one.finding is not None:
            distance = np.linalg.norm(np.subtract(one.finding.point_lps, one.planted.centre_lps))
            assert distance < max(3.0, one.planted.truths["effective_diameter_mm"] / 2)
            assert one.finding.laterality == ("left" if one.planted.centre_lps[0] > 0 else "right")


def test_every_measurement_has_an_interval_or_a_reason(demo):
    for finding in demo.analysis.findings:
        for measurement in finding.measurements:
            if np.isnan(measurement.value):
                assert "not_measurable" in measurement.quality.words()
            else:
                assert measurement.interval is not None
                assert measurement.components


def test_table_and_document_agree(demo):
    document = json.loads((demo.results / "result.json").read_text())
    with (demo.results / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {finding["number"] for finding in document["findings"]}
    assert {int(row["number"]) for row in rows} == numbers
    assert len(numbers) == len(demo.analysis.findings)


@pytest.mark.parametrize("threads", [1, 4])
def test_same_bytes_at_any_thread_count(results, series, tmp_path, threads):
    again = overread.analyze(series, runtime=Runtime(threads))
    again.save(tmp_path / "again")
    for name in sorted(FILES - {"manifest.json"}):
        assert (tmp_path / "again" / name).read_bytes() == (results / name).read_bytes(), name


def test_verify_repeats_the_run(results):
    result = overread.verify(results)
    assert result.sound
    assert result.repeated


def test_verify_sees_a_changed_byte(results, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(results, copy)
    table = copy / "findings.csv"
    table.write_bytes(table.read_bytes() + b"\n")
    assert run(cli, ["verify", str(copy), "--files-only"]) == ExitCode.INTEGRITY
    assert "findings.csv" in capsys.readouterr().out


def test_verify_sees_a_changed_input(results, series, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(series, moved)
    (sorted(moved.iterdir())[0]).unlink()
    result = overread.verify(results, source=moved)
    assert not result.sound
    assert "missing" in result.changed[0]


def test_array_and_files_give_the_same_numbers(short):
    phantom, _, from_files, _ = short
    image = phantom.volume
    from_array = overread.analyze(image.array, grid=image.grid, intensity=image.intensity, task="chest_ct_nodule")
    volumes = [[f["volume"].value for f in analysis.findings] for analysis in (from_files, from_array)]
    np.testing.assert_allclose(volumes[0], volumes[1], rtol=1e-6)


def test_no_network(series, monkeypatch, tmp_path):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a network socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    overread.analyze(series).save(tmp_path / "out")


def test_command_line_prints_findings_and_writes(series, tmp_path, capsys):
    code = run(cli, ["analyze", str(series), "-o", str(tmp_path / "out"), "--quiet"])
    captured = capsys.readouterr()
    assert code == ExitCode.DONE
    assert "Research use only, not a diagnosis." in captured.out
    assert "mm³" in captured.out
    assert captured.err == ""
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


def test_json_on_standard_output_is_the_document(series, results, capsys):
    assert run(cli, ["analyze", str(series), "--json"]) == ExitCode.DONE
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((results / "result.json").read_text())
    assert printed["findings"] == written["findings"]


def test_inspect_lists_the_series_and_the_task(series, capsys):
    assert run(cli, ["inspect", str(series), "--json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert [row["tasks"]["chest_ct_nodule"]["answer"] for row in document["series"]] == ["yes"]
    assert document["series"][0]["geometry"]["status"] == "sound"
    assert run(cli, ["inspect", str(series)]) == ExitCode.DONE
    assert "chest_ct_nodule" in capsys.readouterr().out


def test_simulate_refuses_a_full_folder_and_repeats_itself(tmp_path, demo):
    with pytest.raises(UsageError, match="not empty"):
        overread.simulate("chest_ct_nodule", demo.simulation.series.parent)
    again = overread.simulate("chest_ct_nodule", tmp_path / "again", seed=1)
    for path in sorted(again.series.iterdir()):
        assert path.read_bytes() == (demo.simulation.series / path.name).read_bytes()


def test_interrupt_leaves_nothing(series, tmp_path):
    out = tmp_path / "out"
    # a shell that runs tests in the background makes its children deaf to Ctrl-C: hear it again
    hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{hears}\nfrom overread.cli import main; main()",
            "analyze",
            str(series),
            "-o",
            str(out),
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("lungs"):
            break
    process.send_signal(2)
    _, message = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "interrupted" in message
    assert "Traceback" not in message
    assert list(tmp_path.iterdir()) == []


def test_kill_in_mid_write_leaves_no_result_and_the_next_run_cleans_up(series, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "overread", "analyze", str(series), "-o", str(out), "-q"], stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not out.exists()
    assert run(cli, ["analyze", str(series), "-o", str(out), "-q"]) == ExitCode.DONE
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("letters", ["IAR", "PSL", "LIP"])
def test_any_way_to_store_the_image_gives_the_same_numbers(short, letters):
    phantom, _, from_files, _ = short
    array, grid = orient(phantom.volume.array, phantom.volume.grid, letters)
    turned = overread.analyze(
        np.ascontiguousarray(array), grid=grid, intensity=phantom.volume.intensity, task="chest_ct_nodule"
    )
    assert len(turned.findings) == len(from_files.findings) > 0
    for one, other in zip(turned.findings, from_files.findings, strict=True):
        assert one.site_text == other.site_text
        np.testing.assert_allclose(one.point_lps, other.point_lps, atol=1e-3)
        for name in ("volume", "long_axis", "mean_density"):
            assert one[name].value == pytest.approx(other[name].value, rel=1e-4)
    assert turned.reading.segments.grid.same_place(grid)


def test_results_validate_against_their_source(results, series):
    validation = overread.validate(results, against=series, outside=False)
    assert validation.sound, validation.to_dict()
    assert len(validation.checks) == 2
