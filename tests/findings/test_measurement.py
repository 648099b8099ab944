"""A measurement cannot lie about itself."""

import math

import pytest

from overread.errors import UsageError
from overread.findings import Interval, Measurement, Quality
from overread.findings.identity import digest_uid


def test_interval_must_hold_the_value():
    with pytest.raises(UsageError, match="outside its interval"):
        Measurement("volume", 5.0, "mm3", Interval(6.0, 7.0), "by hand")


def test_interval_must_be_ordered():
    with pytest.raises(UsageError, match=r"runs from 7\.0 to 6\.0"):
        Interval(7.0, 6.0)


@pytest.mark.parametrize("coverage", [0.0, 1.0, 95.0])
def test_coverage_is_a_share(coverage):
    with pytest.raises(UsageError, match="coverage"):
        Interval(1.0, 2.0, coverage)


def test_no_value_needs_a_reason():
    with pytest.raises(UsageError, match="NOT_MEASURABLE"):
        Measurement("volume", math.nan, "mm3", None, "by hand")
    refused = Measurement.not_measurable("volume", "mm3", "touches the edge of the scan", Quality.TOUCHES_BORDER)
    assert math.isnan(refused.value)
    assert refused.quality.words() == ("touches_border", "not_measurable")


def test_unit_must_be_known():
    with pytest.raises(UsageError, match="unknown UCUM unit 'MM'"):
        Measurement("long_axis", 5.0, "MM", None, "by hand")


def test_digest_uid_is_stable_and_valid():
    uid = digest_uid("a", "b")
    assert uid == digest_uid("a", "b") != digest_uid("ab")
    assert uid.startswith("2.25.")
    assert len(uid) <= 44
    assert set(uid) <= set("0123456789.")
