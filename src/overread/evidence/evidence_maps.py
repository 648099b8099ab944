"""Maps of evidence as TIFF files of float32 logits, read back, and what result.json says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from overread.errors import IntegrityError
from overread.evidence import proof
from overread.evidence.ledger import Ledger
from overread.findings import EvidenceMap


def write_evidence_maps(folder: Path, maps: Sequence[EvidenceMap], ledger: Ledger) -> list[dict[str, Any]]:
    """Write each map to `evidence_QUESTION.tif` and compare every pixel with what stands there then.

    Returns
    -------
    list of dict
        For `evidence_maps` of result.json.

    Raises
    ------
    IntegrityError
        Two maps are of one question, or a file reads back otherwise.
    """
    rows = []
    for one in maps:
        path = folder / f"evidence_{one.question}.tif"
        if path.exists():
            raise IntegrityError(f"two maps of evidence are of {one.question!r}", where=path.name)
        values = np.ascontiguousarray(one.array, dtype=np.float32)
        Image.fromarray(values).save(path, "TIFF", compression="tiff_adobe_deflate")
        with Image.open(path) as opened:
            if not np.array_equal(np.asarray(opened), values, equal_nan=True):
                raise IntegrityError("reads back with other logits", where=path.name)
        ledger.proofs.append(proof.proof_of(path.name, "pillow", ["every pixel"]))
        peak = np.unravel_index(int(values.argmax()), values.shape)
        rows.append(
            {
                "question": one.question,
                "label": one.label,
                "method": one.method,
                "file": path.name,
                "least": float(values.min()),
                "greatest": float(values.max()),
                "peak_rc_px": [int(n) for n in peak],
            }
        )
    return rows
