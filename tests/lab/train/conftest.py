"""The phantom recipe, loaded from its file."""

import importlib.util
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("discs.py")


@pytest.fixture(scope="session")
def discs():
    spec = importlib.util.spec_from_file_location("discs_recipe", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["discs_recipe"] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("discs_recipe")
