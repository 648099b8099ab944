"""One error tree: everything overread raises on purpose. It says what happened, where, and the way out.

Messages carry paths and UIDs; never a patient's name, identifier or birth date.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; part of the contract with whoever calls it."""

    DONE = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    SCOPE = 4
    INTEGRITY = 5
    RESOURCES = 6
    PARTIAL_BATCH = 7
    INTERRUPTED = 130


class OverreadError(Exception):
    """Root of every error that overread raises on purpose.

    Parameters
    ----------
    what : str
        What happened, got against expected.
    where : str
        The file, folder, series or argument at fault; empty if the call itself is.
    way_out : str
        What the caller can do next.
    """

    exit_code = ExitCode.BUG

    def __init__(self, what: str, *, where: str = "", way_out: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.way_out = way_out

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text.rstrip('.;')}. {self.way_out}" if self.way_out else text

    def to_dict(self) -> dict[str, str | int]:
        """Plain values for `--json`: error, what, where, way_out, exit_code."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "way_out": self.way_out,
            "exit_code": int(self.exit_code),
        }


class UsageError(OverreadError, ValueError):
    """An argument is unknown, out of range or contradicts another."""

    exit_code = ExitCode.USAGE


class InputError(OverreadError):
    """The input cannot be read."""

    exit_code = ExitCode.INPUT


class NothingReadableError(InputError, FileNotFoundError):
    """There is no image at the path."""


class DamagedFileError(InputError):
    """A file is truncated or contradicts itself."""


class UnsupportedFormatError(InputError):
    """The file is sound but overread has no reader for it; the message names what would read it."""


class GeometryError(InputError, ValueError):
    """The pixels can be read but not placed in the patient."""


class ScopeError(OverreadError):
    """The image can be read but the task does not answer for such an image."""

    exit_code = ExitCode.SCOPE


class IntegrityError(OverreadError):
    """Something written, or shipped, is not what it should be: read-back, digest or manifest differ."""

    exit_code = ExitCode.INTEGRITY


class ResourceError(OverreadError):
    """Memory, disk or time ran out."""

    exit_code = ExitCode.RESOURCES
