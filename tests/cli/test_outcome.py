"""Every outcome of a command is one exit code and one clear message; never a stack trace."""

import errno
import json

import click
import pytest

from overread.cli.outcome import run
from overread.errors import (
    DamagedFileError,
    ExitCode,
    GeometryError,
    IntegrityError,
    ResourceError,
    ScopeError,
    UsageError,
)


def command_that_raises(error: BaseException) -> click.Command:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def failing(as_json: bool) -> None:
        raise error

    return failing


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("bad"), ExitCode.USAGE),
        (DamagedFileError("bad"), ExitCode.INPUT),
        (GeometryError("bad"), ExitCode.INPUT),
        (ScopeError("bad"), ExitCode.SCOPE),
        (IntegrityError("bad"), ExitCode.INTEGRITY),
        (ResourceError("bad"), ExitCode.RESOURCES),
        (MemoryError(), ExitCode.RESOURCES),
        (OSError(errno.ENOSPC, "No space left on device"), ExitCode.RESOURCES),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (RuntimeError("surprise"), ExitCode.BUG),
        (click.UsageError("no such option"), ExitCode.USAGE),
    ],
)
def test_each_error_has_its_exit_code(error, code, capsys):
    assert run(command_that_raises(error), []) == code
    assert "Traceback" not in capsys.readouterr().err


def test_message_says_what_where_and_way_out(capsys):
    error = DamagedFileError("ends after 100 of 524288 bytes", where="scan/007.dcm", way_out="Send it again.")
    run(command_that_raises(error), [])
    assert capsys.readouterr().err == "error: scan/007.dcm: ends after 100 of 524288 bytes. Send it again.\n"


def test_message_of_a_bug_does_not_quote_the_exception(capsys):
    run(command_that_raises(ValueError("DOE^JANE is not a number")), [])
    message = capsys.readouterr().err
    assert "DOE" not in message
    assert "bug in overread" in message
    assert "ValueError" in message


def test_json_error_is_one_document(capsys):
    error = UsageError("no such task", where="--task", way_out="See overread tasks.")
    assert run(command_that_raises(error), ["--json"]) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().err) == {
        "error": "UsageError",
        "what": "no such task",
        "where": "--task",
        "way_out": "See overread tasks.",
        "exit_code": 2,
    }


def test_returned_code_is_the_exit_code():
    @click.command()
    def refusing() -> int:
        return ExitCode.SCOPE

    assert run(refusing, []) == ExitCode.SCOPE
