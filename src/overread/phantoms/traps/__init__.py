"""Traps of geometry as real DICOM files around an object of known volume and place."""

from overread.phantoms.traps.mixed import MIXED
from overread.phantoms.traps.places import PLACES
from overread.phantoms.traps.tags import TAGS
from overread.phantoms.traps.trap import Trap

TRAPS: tuple[Trap, ...] = (*PLACES, *TAGS, *MIXED)
"""All traps, each under a name of its own."""

__all__ = ["TRAPS", "Trap"]
