"""Every trap of geometry, as DICOM files: the verdict names it, and what loads is right in volume and place."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from overread.errors import InputError
from overread.geometry import Policy, Severity
from overread.io import open_study
from overread.phantoms.traps import TRAPS, Trap

VOLUME_PERCENT, CENTROID_MM = 1.0, 0.5
BY_NAME = {trap.name: trap for trap in TRAPS}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """The first series of a trap, and how many there are; each trap is written once."""
    done = {}

    def lay(trap: Trap):
        if trap.name not in done:
            folder = tmp_path_factory.mktemp("traps") / trap.name
            trap.write(folder)
            study = open_study(folder)
            done[trap.name] = (study.series[0], len(study.series))
        return done[trap.name]

    return lay


BROKEN_ON_PURPOSE = {"broken_cosines", "rounded_cosines", "no_position"}
"""Where the trap itself breaks the standard."""


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed (Debian: dicom3tools)")
@pytest.mark.parametrize("trap", [one for one in TRAPS if one.name not in BROKEN_ON_PURPOSE], ids=lambda one: one.name)
def test_a_validator_finds_sound_objects(laid, trap):
    """A trap is about places: the objects themselves are as the standard wants them."""
    path = laid(trap)[0].source.paths[0]
    done = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False, errors="replace")
    assert [line for line in done.stderr.splitlines() if line.startswith("Error")] == []


def policies(*, right):
    """Every trap with the policies under which it must come out right, or be refused."""
    order = [Policy.STRICT, Policy.REPAIR]
    found = []
    for trap in TRAPS:
        first = len(order) if trap.cure is None else order.index(trap.cure)
        for policy in order[first:] if right else order[:first]:
            found.append(pytest.param(trap, policy, id=f"{trap.name}-{policy.value}"))
    return found


def test_there_are_many_and_each_has_its_name():
    assert len(BY_NAME) == len(TRAPS) >= 40


@pytest.mark.parametrize("trap", TRAPS, ids=BY_NAME)
def test_the_verdict_names_the_trap(laid, trap):
    series, parts = laid(trap)
    assert parts == trap.parts
    if not trap.code:
        assert series.verdict.status == "sound"
    else:
        messages = [fault.message for fault in series.verdict.faults if fault.code == trap.code]
        assert len(messages) == 1
        assert re.search(trap.words, messages[0])


@pytest.mark.parametrize(("trap", "policy"), policies(right=True))
def test_volume_and_centroid_are_right(laid, trap, policy):
    volume = laid(trap)[0].load_volume(policy=policy)
    percent, off_mm = trap.target.errors(volume.array, volume.grid)
    assert abs(percent) <= VOLUME_PERCENT
    assert off_mm <= CENTROID_MM
    assert volume.verdict.has(trap.code) or not trap.code
    assert volume.verdict.facts["plane"] == trap.plane


@pytest.mark.parametrize(("trap", "policy"), policies(right=False))
def test_it_is_refused_with_the_reason(laid, trap, policy):
    series = laid(trap)[0]
    with pytest.raises(InputError) as caught:
        series.load_volume(policy=policy)
    messages = [fault.message for fault in series.verdict.faults if fault.severity is Severity.FATAL]
    assert caught.value.what
    assert caught.value.way_out
    assert any(message.split(":")[0] in caught.value.what for message in messages)


@pytest.mark.parametrize("trap", TRAPS, ids=BY_NAME)
def test_as_is_never_hides_the_trap(laid, trap):
    """The mildest policy refuses too, or loads with the fault in the verdict and, where slices are spread, a bound."""
    series = laid(trap)[0]
    try:
        volume = series.load_volume(policy=Policy.AS_IS)
    except InputError:
        assert trap.cure is None
        return
    assert volume.verdict.has(trap.code) or not trap.code
    percent, _ = trap.target.errors(volume.array, volume.grid)
    if trap.cure is not None:
        bound = volume.verdict.facts.get("largest_volume_error_percent", 0.0)
        assert abs(percent) <= VOLUME_PERCENT + bound
        assert bound or trap.cure is Policy.STRICT or trap.code == "duplicate_position"
