"""The how-to "Add a task", followed word for word: its files are written out, installed, and used by public verbs."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import overread
from overread.findings import ScopeAnswer
from overread.image import Intensity, Volume
from overread.runtime import Runtime, silent
from overread.tasks import find_task

HOW_TO = (Path(__file__).parents[2] / "docs/how-to/add-a-task.md").read_text(encoding="utf-8")


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The task of the how-to, installed as a distribution of its own."""
    site = tmp_path / "site"
    for name, text in re.findall(r"```\w+ file=(\S+)\n(.*?)```", HOW_TO, re.DOTALL):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    group, entry = re.search(r'\[project\.entry-points\."([\w.]+)"\]\n(.+)\n', HOW_TO).groups()
    info = site / "dense_thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dense-thing\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    assert metadata.version("dense-thing") == "1.0"
    monkeypatch.delitem(sys.modules, "dense_thing", raising=False)
    return find_task("dense_thing")


def test_task_is_listed_with_its_card(toy):
    cards = {card.name: card for card in overread.list_tasks()}
    assert cards["dense_thing"] == toy.card()


def test_its_interval_keeps_its_promise(toy):
    held = []
    for seed in range(60):
        phantom = toy.simulate(seed)
        volume = toy.read(phantom.volume, Runtime(1), silent).findings[0]["volume"]
        held.append(volume.interval.low <= phantom.planted[0].truths["volume_mm3"] <= volume.interval.high)
    assert 0.9 <= np.mean(held) < 1


def test_it_refuses_what_it_says_it_refuses(toy):
    phantom = toy.simulate(0)
    not_hu = Volume(phantom.volume.array, phantom.volume.grid, Intensity.ARBITRARY)
    air = Volume(np.full_like(phantom.volume.array, -1000), phantom.volume.grid, Intensity.HU)
    assert toy.accepts(not_hu).answer is ScopeAnswer.NO
    for image, code in ((not_hu, "not_hu"), (air, "nothing_dense")):
        reading = toy.read(image, Runtime(1), silent)
        assert not reading.assessable
        assert reading.reasons[0].code == code


def test_public_verbs_work_without_a_line_about_it(toy, tmp_path):
    simulated = overread.simulate("dense_thing", tmp_path / "phantom", seed=3)
    analysis = overread.analyze(simulated.series, task="dense_thing")
    truth = simulated.phantom.planted[0]
    assert analysis.findings[0]["volume"].value == pytest.approx(truth.truths["volume_mm3"], rel=0.05)
    assert np.linalg.norm(np.subtract(analysis.findings[0].point_lps, truth.centre_lps)) < 0.5
    analysis.save(tmp_path / "out")
    assert {"result.json", "seg.dcm", "sr.dcm", "report.html"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert overread.verify(tmp_path / "out").sound


def test_a_refusal_is_written_too(toy, tmp_path):
    phantom = toy.simulate(0)
    air = Volume(np.full_like(phantom.volume.array, -1000), phantom.volume.grid, Intensity.HU)
    overread.analyze(air, task="dense_thing").save(tmp_path / "out")
    assert "nothing_dense" in (tmp_path / "out/result.json").read_text(encoding="utf-8")


NO_NETWORK = """
import sys
def stop(event, arguments):
    if event.startswith("socket.") or event == "urllib.Request":
        raise RuntimeError(f"the network was asked for: {event}")
sys.addaudithook(stop)
from overread.cli import main
main()
"""


def test_nothing_asks_for_the_network(toy, tmp_path):
    """A whole run from files to report in a process in which every socket fails, whoever opens it."""
    simulated = overread.simulate("dense_thing", tmp_path / "phantom", seed=3)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OVERREAD_DEBUG": "1"}
    arguments = ["analyze", str(simulated.series), "--task", "dense_thing", "-o", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.html").exists()
    refused = subprocess.run(
        [sys.executable, "-c", NO_NETWORK.partition("from overread")[0] + "import socket; socket.socket()"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "the network was asked for" in refused.stderr  # the guard itself works
