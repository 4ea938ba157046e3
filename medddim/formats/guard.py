"""One door for what the libraries below raise on a bad file: typed, without patient data."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medddim.errors import EnvironmentProblem, MedddimError, UnreadableScan, UnsupportedScan

MAX_VOXELS = 2**30
"""Voxels one scan may have: 4 GiB as float32. A header that claims more is not believed."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom and highdicom silent: their warnings and logs quote values of the header."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn any foreign exception into UnreadableScan that names `path` and the `kind` expected.

    The foreign message is dropped, not chained: pydicom quotes the values it stumbles over.
    """
    try:
        with quiet():
            yield
    except MedddimError:
        raise
    except MemoryError:
        raise EnvironmentProblem(f"{path}: not enough memory to read this scan") from None
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        raise UnreadableScan(f"{path}: expected a whole {kind} file; {why}") from None
    except Exception as problem:
        raise UnreadableScan(
            f"{path}: expected a sound {kind} file, found a broken one "
            f"({type(problem).__name__}); get the file again from its source"
        ) from None


def require_moderate_size(shape: tuple[int, ...], path: Path) -> None:
    """Raise UnsupportedScan if `shape` has more than MAX_VOXELS voxels."""
    voxels = 1
    for extent in shape:
        voxels *= extent
    if voxels > MAX_VOXELS:
        size = "×".join(map(str, shape))
        raise UnsupportedScan(
            f"{path}: the header claims {size} voxels; the limit is {MAX_VOXELS:,}; "
            "cut the scan into smaller ones"
        )
