"""The scans that the nodule detector learns from and is tried on, made anew from seeds; searched scans can be kept."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.errors import UsageError
from overread.ops.nodule_candidates import CandidatePlan
from overread.phantoms.studies import Split, study_cases
from overread_lab.datasets.chest_ct import CASES, read_case, read_lesions
from overread_lab.recipes.nodule_examples import SearchedScan, search
from overread_lab.recipes.nodule_planting import Ground, Marked, PlantedScan, Wear, plant, wear

NODULES_PER_COPY = {"LIDC-IDRI-0001": 18, "LIDC-IDRI-0002": 8, "LIDC-IDRI-0003": 7}
"""As many as find room: 0002 and 0003 are parts of 45 and 50 mm."""


@dataclass(frozen=True, slots=True)
class SetPlan:
    """How many scans of each sort: `copies` of each real case with planted nodules, simulated chests of both splits."""

    copies: int = 15
    train_phantoms: int = 12
    test_phantoms: int = 60
    seed: int = 1


def real_scan(shared: Path, case: str) -> PlantedScan:
    """A real case without planted nodules; what its readers marked is marked."""
    volume = read_case(shared, case)
    lesions = read_lesions(shared, case, volume.grid)
    marked = tuple(Marked(lesion.point_lps, lesion.diameter_mm / 2) for lesion in lesions)
    return PlantedScan(case, case, volume, (), marked)


@dataclass(slots=True)
class PutIn:
    """Copies of a case with planted nodules, each worn in one of five ways. Copy n depends on n and the seed alone."""

    shared: Path
    case: str
    seed: int
    _ground: tuple[PlantedScan, Ground] | None = None

    @property
    def name(self) -> str:
        """Tells kept files apart."""
        return f"put-in {self.case} {self.seed}"

    def draw(self, number: int) -> PlantedScan:
        """Copy `number`."""
        if self._ground is None:
            bare = real_scan(self.shared, self.case)
            self._ground = bare, Ground.of(bare.volume)
        bare, ground = self._ground
        rng = np.random.default_rng((self.seed, number, CASES.index(self.case)))
        planted = plant(bare, ground, rng, count=NODULES_PER_COPY[self.case])
        kind = list(Wear)[number % len(Wear)]
        worn = wear(planted, kind, rng)
        return PlantedScan(f"{self.case} copy {number} {kind}", self.case, worn.volume, worn.planted, worn.marked)


@dataclass(frozen=True, slots=True)
class Phantoms:
    """Simulated chests with heart, hila, airways, fissures and vessels; train and test share no seed."""

    split: Split

    @property
    def name(self) -> str:
        """Tells kept files apart."""
        return f"phantoms {self.split}"

    def draw(self, number: int) -> PlantedScan:
        """Chest `number` of the split."""
        phantom = study_cases(self.split, number + 1)[number].draw()
        return PlantedScan(phantom.name, phantom.name, phantom.volume, phantom.planted)


def searched(
    scans: PutIn | Phantoms,
    count: int,
    plan: CandidatePlan,
    *,
    cache: Path | None,
    say: Callable[[str], None],
    keep_field: bool = False,
) -> list[SearchedScan]:
    """Search the first `count` scans, but for chests in which a nodule finds no room.

    With `cache` each result is kept in a folder of our own and read back next time.

    The name of a kept file holds everything it depends on but the code. It is a pickle: only read what you wrote.
    """
    done = []
    for number in range(count):
        key = hashlib.sha256(f"{scans.name} {number} {plan} {keep_field}".encode()).hexdigest()[:16]
        path = cache / f"{key}.pickle" if cache is not None else None
        if path is not None and path.is_file():
            one: SearchedScan = pickle.loads(path.read_bytes())  # noqa: S301  (our own file, see above)
        else:
            try:
                drawn = scans.draw(number)
            except UsageError as error:  # a random nodule that finds no room in a random chest
                say(f"  left out number {number} of {scans.name}: {error.what}")
                continue
            one = search(drawn, plan, keep_field=keep_field)
            say(f"  searched {one.name}: {len(one.planted)} planted")
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(pickle.dumps(one))
        done.append(one)
    return done


def put_in_sets(
    shared: Path, sets: SetPlan, plan: CandidatePlan, *, cache: Path | None, say: Callable[[str], None]
) -> dict[str, list[SearchedScan]]:
    """Searched put-in copies of every case, by patient."""
    return {
        case: searched(PutIn(shared, case, sets.seed), sets.copies, plan, cache=cache, say=say, keep_field=True)
        for case in CASES
    }


def phantom_set(
    split: Split, sets: SetPlan, plan: CandidatePlan, *, cache: Path | None, say: Callable[[str], None]
) -> list[SearchedScan]:
    """Searched simulated chests."""
    count = sets.train_phantoms if split == "train" else sets.test_phantoms
    return searched(Phantoms(split), count, plan, cache=cache, say=say, keep_field=split == "test")
