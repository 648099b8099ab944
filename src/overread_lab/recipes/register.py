"""Which networks can be trained here, by name. A recipe is found by this table, never by what lies in a folder."""

from __future__ import annotations

from importlib import import_module

from overread.errors import UsageError
from overread_lab.train.training import Training

MODULES: tuple[str, ...] = ("overread_lab.recipes.chest_xray_lungs", "overread_lab.recipes.chest_xray_networks")
"""Each offers `RECIPES`, a tuple of `Training`; importing one needs no torch."""


CLASSICAL: dict[str, str] = {"brain_mr_hippocampus": "overread_lab.recipes.brain_mr_hippocampus"}
"""Recipes that need no torch: each module has a `SUMMARY`, and `make(data, out, *, cases, seed, progress, leave_out,
runtime)`.
"""


def trainings() -> dict[str, Training]:
    """All recipes by name, in the order of the table."""
    found: dict[str, Training] = {}
    for module in MODULES:
        for training in import_module(module).RECIPES:
            found[training.recipe.name] = training
    return found


def training_named(name: str) -> Training:
    """The recipe of that name; raises `UsageError` naming all where there is none."""
    known = trainings()
    if name not in known:
        raise UsageError(f"there is no recipe {name!r}", way_out=f"Known: {', '.join([*known, *CLASSICAL])}.")
    return known[name]
