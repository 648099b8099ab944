"""Every outcome becomes one exit code and one clear message on standard error."""

from __future__ import annotations

import contextlib
import errno
import json
import signal
import sys
from types import FrameType

import click

from overread.errors import ExitCode, OverreadError, ResourceError


def run(command: click.Command, arguments: list[str], *, debug: bool = False) -> int:
    """Run a click command; returns the exit code and never raises (unless `debug`)."""
    previous = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = command.main(arguments, prog_name="overread", standalone_mode=False)
        return code if isinstance(code, int) else ExitCode.DONE
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        return _say("interrupted; nothing half-written was left behind", ExitCode.INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # the reader of our pipe has gone; click then leaves by SystemExit
        with contextlib.suppress(OSError):
            sys.stdout.close()
        return ExitCode.DONE
    except Exception as error:  # the last door: whatever comes must leave as a message and a code
        if debug:
            raise
        return _report(error, as_json="--json" in arguments)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _report(error: Exception, *, as_json: bool) -> int:
    if isinstance(error, MemoryError):
        error = ResourceError("ran out of memory", way_out="Close other programs or read a smaller series.")
    elif isinstance(error, OSError) and not isinstance(error, OverreadError) and error.errno in _RESOURCES:
        error = ResourceError(_RESOURCES[error.errno], where=str(error.filename or ""), way_out="Nothing was left.")
    if isinstance(error, OverreadError):
        if as_json:
            click.echo(json.dumps(error.to_dict()), err=True)
            return error.exit_code
        return _say(f"error: {error}", error.exit_code)
    # The text of a foreign exception may quote a header, so it is not shown; its place is enough to report it.
    return _say(
        f"error: this is a bug in overread ({type(error).__name__} in {_place(error)}). "
        "Set OVERREAD_DEBUG=1 to see the details and report them, without patient data.",
        ExitCode.BUG,
    )


_RESOURCES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EMFILE: "too many files are open",
}


def _say(text: str, code: int) -> int:
    click.echo(text, err=True)
    return code


def _place(error: Exception) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return "?" if step is None else f"{step.tb_frame.f_code.co_name}, line {step.tb_lineno}"
