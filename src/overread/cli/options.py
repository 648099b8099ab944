"""Options that several commands share, and what they make: a Runtime and a Progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from overread.errors import UsageError
from overread.runtime import Progress, Runtime, silent, usable_cores

F = TypeVar("F", bound=Callable[..., Any])
_BYTES = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

ANY_PATH = click.Path(path_type=Path, readable=False)
"""Whether a path can be read is found out, and said, by those who read it."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")


def resource_options(command: F) -> F:
    """`--threads` and `--max-memory`, which govern everything beneath."""
    command = click.option("--max-memory", metavar="SIZE", help="Refuse to load an image that needs more, such as 4G.")(
        command
    )
    return click.option("--threads", type=click.IntRange(1), help="Cores to use; all by default.")(command)


def make_runtime(threads: int | None, max_memory: str | None) -> Runtime:
    """A Runtime from the two options."""
    return Runtime(threads or usable_cores(), None if max_memory is None else parse_bytes(max_memory))


def parse_bytes(text: str) -> int:
    """Bytes of "512M", "4G" or "4GiB"; raises `UsageError` for anything else."""
    stripped = text.strip().upper().removesuffix("B").removesuffix("I")
    factor = _BYTES.get(stripped[-1:], 1)
    digits = stripped[:-1] if stripped[-1:] in _BYTES else stripped
    try:
        size = float(digits) * factor
    except ValueError:
        size = -1
    if not 0 < size < float("inf"):
        raise UsageError(f"{text!r} is not an amount of memory", where="--max-memory", way_out="Write 512M or 4G.")
    return int(size)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A bar with time left on a terminal, plain lines elsewhere, nothing with `quiet`; all on standard error."""
    if quiet:
        yield silent
    elif not sys.stderr.isatty():
        yield _plain_lines()
    else:
        from rich.console import Console  # noqa: PLC0415  (only when it prints)
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
        from rich.progress import Progress as Bar  # noqa: PLC0415

        columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            job = bar.add_task("open", total=1.0)
            yield lambda stage, share: bar.update(job, description=stage, completed=share)


def _plain_lines() -> Progress:
    last = ""

    def say(stage: str, share: float) -> None:
        nonlocal last
        if stage != last:
            last = stage
            with suppress(OSError):  # whoever read the progress has gone; the work goes on
                click.echo(f"{stage} ...", err=True)

    return say


def require_free(out: Path, *, overwrite: bool) -> None:
    """Tell before the work, not after it, that its results could not be kept."""
    try:
        exists = out.exists()
    except OSError as error:
        raise UsageError(
            f"cannot be a folder for results: {error.strerror}", where=str(out), way_out="Name another."
        ) from error
    if exists and not overwrite:
        raise UsageError("the output folder exists", where=str(out), way_out="Name a new one or add --overwrite.")
    if not out.name:
        raise UsageError("is not a folder that can be replaced", where=str(out), way_out="Name another.")
