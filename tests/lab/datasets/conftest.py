"""Small sets of pictures whose faults are known."""

import numpy as np
import pytest
from PIL import Image

from overread_lab.datasets import Case, fold_of, write_manifest


def waves(seed, rows=48, columns=64):
    """(row, column) uint8: a few smooth waves of random direction, unlike those of any other seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns] / max(rows, columns)
    total = sum(
        rng.normal() * np.cos(2 * np.pi * (fx * x + fy * y) + rng.uniform(0, 6))
        for fx, fy in rng.uniform(-5, 5, (12, 2))
    )
    return np.uint8(255 * (total - total.min()) / np.ptp(total))


@pytest.fixture
def make_set(tmp_path):
    """Write pictures, masks and a manifest: rows are (picture, mask or None, changes to the row)."""

    def make(rows):
        cases = []
        for number, (picture, mask, changes) in enumerate(rows):
            files = [None, None]
            for n, (array, name) in enumerate(((picture, "images"), (mask, "masks"))):
                if array is not None:
                    files[n] = tmp_path / name / f"c{number}.png"
                    files[n].parent.mkdir(exist_ok=True)
                    Image.fromarray(array).save(files[n])
            known = {"label": "x", "group": f"p{number}", "source": "s", "note": ""} | changes
            known.setdefault("fold", fold_of(known["group"]))
            cases.append(Case(case=f"c{number}", image=files[0], mask=files[1], **known))
        write_manifest(tmp_path, cases)
        return tmp_path

    return make
