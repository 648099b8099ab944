"""Files of weights, read whole and compared with the digest on the card before anything looks inside."""

from __future__ import annotations

import hashlib
from pathlib import Path

from overread.errors import IntegrityError


def read_weights(path: Path, *, sha256: str | None) -> bytes:
    """The bytes of a file of weights.

    Parameters
    ----------
    sha256 : str or None
        The digest that the card gives; None reads without that check (training, tests).

    Raises
    ------
    IntegrityError
        No such file, or another digest.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            "the weights cannot be read", where=str(path), way_out="Install overread again."
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise IntegrityError(
            f"the weights have SHA-256 {digest}, expected {sha256}",
            where=str(path),
            way_out="Install overread again, or put back the weights that belong to this card.",
        )
    return data
