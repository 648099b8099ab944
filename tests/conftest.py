"""Fixtures that tests of several floors need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real cases: `$OVERREAD_SHARED/data`, or `../shared/data` beside the repository; else a skip."""
    repository = Path(__file__).resolve().parents[1]
    roots = [Path(os.environ["OVERREAD_SHARED"])] if os.environ.get("OVERREAD_SHARED") else []
    roots.append(repository.parent / "shared")
    for root in roots:
        if (root / "data").is_dir():
            return root / "data"
    pytest.skip("the real cases are not here: set OVERREAD_SHARED to the folder that holds data/")
