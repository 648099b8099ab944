"""The command line: arguments, exit codes, progress. No algorithm and no file format here.

`main` turns every outcome into an exit code of the contract and one clear message; a stack trace is shown only on
request (`OVERREAD_DEBUG=1`).
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Entry point of `overread`."""
    from overread.cli.group import cli  # noqa: PLC0415
    from overread.cli.outcome import run  # noqa: PLC0415

    sys.exit(run(cli, sys.argv[1:], debug=bool(os.environ.get("OVERREAD_DEBUG"))))
