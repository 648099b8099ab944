"""Other libraries kept from speaking: their warnings and log lines quote header values, names of patients too."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_AT_A_TIME = RLock()


@contextmanager
def quiet(logger_name: str = "") -> Iterator[None]:
    """No warnings inside, and no lines of one logger. Our own checks judge values.

    One thread at a time, since filters and loggers belong to the whole process.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not logger_name:
            yield
            return
        logger = logging.getLogger(logger_name)
        before, logger.disabled = logger.disabled, True
        try:
            yield
        finally:
            logger.disabled = before
