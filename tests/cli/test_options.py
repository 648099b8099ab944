"""Options that several commands share."""

import pytest

from overread.cli.options import make_runtime, parse_bytes, progress_bar
from overread.cli.show import number
from overread.errors import UsageError
from overread.runtime import silent


@pytest.mark.parametrize(
    ("text", "size"),
    [("1024", 1024), ("512M", 512 * 2**20), ("4G", 4 * 2**30), ("4GiB", 4 * 2**30), ("1.5g", 3 * 2**29)],
)
def test_amount_of_memory(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "0", "four", "nan", "inf", "1e999"])
def test_nonsense_amount_is_refused(text):
    with pytest.raises(UsageError, match="not an amount of memory"):
        parse_bytes(text)


def test_runtime_from_options():
    runtime = make_runtime(3, "1G")
    assert (runtime.threads, runtime.max_memory_bytes) == (3, 2**30)
    assert make_runtime(None, None).max_memory_bytes is None


def test_quiet_progress_is_silent(capsys):
    with progress_bar(quiet=True) as progress:
        assert progress is silent


def test_plain_progress_says_each_stage_once(capsys):
    with progress_bar(quiet=False) as progress:
        progress("load", 0.1)
        progress("load", 0.2)
        progress("find", 0.3)
    assert capsys.readouterr().err == "load ...\nfind ...\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.0123, "0.0123"), (6.123, "6.12"), (61.23, "61.2"), (6123.4, "6123"), (-0.5, "-0.500")],
)
def test_numbers_have_three_significant_digits(value, text):
    assert number(value) == text


def test_no_number_is_a_dash():
    assert number(float("nan")) == "-"
