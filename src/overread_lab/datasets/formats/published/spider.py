"""SPIDER: lumbar spine MR as images/1_t2.mha with masks/1_t2.mha; the number is the patient.

Published with van der Graaf et al., Scientific Data 11:264, 2024. Vertebrae are 1-25 from below, the canal 100, discs
201-225.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from overread.errors import InputError
from overread.image import LabelMap
from overread.runtime import Progress
from overread_lab.datasets.fit import labels_on, load
from overread_lab.datasets.formats.writer import Known, SetWriter

_NAME = re.compile(r"(\d+)_(t1|t2|t2_SPACE)", re.IGNORECASE)


def read_spider(root: Path, writer: SetWriter, progress: Progress) -> None:
    """One case a series; the label names the sequence."""
    images, masks = root / "images", root / "masks"
    if not images.is_dir() or not masks.is_dir():
        raise InputError(
            "there are no folders images and masks", where=str(root), way_out="Unpack images.zip and masks.zip there."
        )
    files = sorted(images.iterdir())
    for number, file in enumerate(files):
        progress("import", number / len(files))
        with writer.or_left_out(file):
            found = _NAME.fullmatch(file.stem)
            if file.suffix != ".mha" or found is None:
                raise InputError("its name is not that of a series (such as 1_t2.mha)")
            if not (masks / file.name).is_file():
                raise InputError("it has no mask")
            mask = labels_on(load(file), load(masks / file.name))
            if not isinstance(mask, LabelMap):
                raise InputError("it is a picture, not a scan")
            present = [int(label) for label in np.unique(mask.array) if label]
            writer.names |= {label: name_of(label) for label in present}
            extra = {"sequence": found[2].lower(), "labels": " ".join(map(str, present))}
            known = Known(found[2].lower(), f"spider_{int(found[1])}", "SPIDER; the label is the sequence", extra)
            writer.add(f"spider_{file.stem}", file, known, mask)
    for file in sorted(masks.iterdir()):
        if not (images / file.name).is_file():
            writer.leave_out(file, "the image of this mask is not there")


def name_of(label: int) -> str:
    """What a label of SPIDER marks."""
    if label == 100:
        return "spinal canal"
    if 1 <= label <= 25:
        return f"vertebra {label} from below"
    return f"disc {label - 200} from below" if 201 <= label <= 225 else "not described by the publisher"
