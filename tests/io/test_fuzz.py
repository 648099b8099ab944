"""Bytes changed or cut at random: a study, or an error of our own tree; nothing else, and no hang."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from overread.errors import OverreadError
from overread.geometry import Policy
from overread.io import open_study
from overread.runtime import Runtime

SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5")


@pytest.mark.parametrize("syntax", SYNTAXES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(128, 2000), st.integers(0, 255)), max_size=6),
    keep=st.one_of(st.none(), st.integers(0, 2000)),
)
@example(changes=[], keep=0)
@example(changes=[(352, 0)], keep=None)  # a UID whose length takes in the patient's name
def test_a_broken_file_among_sound_ones(writer, stored, syntax, changes, keep):
    writer.syntax = syntax
    paths = writer.write(stored[:3])
    data = bytearray(paths[1].read_bytes())
    for place, value in changes:
        if place < len(data):
            data[place] = value
    paths[1].write_bytes(data if keep is None else data[:keep])
    for target in (writer.folder, paths[1]):
        for policy in Policy:
            assert "SECRET" not in read_all(target, policy)


def read_all(target, policy):
    """All that is said: the first error of our own tree, or what was read; any other exception goes through."""
    try:
        study = open_study(target)
        said = repr(study) + repr([series.source for series in study.series])
        for series in study.series:
            said += repr(series.load(policy=policy, runtime=Runtime(1, max_memory_bytes=10**8)).verdict)
    except OverreadError as error:
        return str(error)
    return said
