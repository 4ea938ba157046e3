"""Scans made from formulas, shared by the tests: no file, no network, no patient."""

from __future__ import annotations

import numpy as np

from medddim.volume import Affine, Volume

BRIGHT = 800.0


def head(
    shape: tuple[int, int, int] = (48, 44, 6),
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 3.0),
    air: float = 0.0,
) -> Volume:
    """An ellipsoid with shading, folds and a dark centre in `air`: an MR scan without noise."""
    x, y, z = (np.linspace(-1, 1, n).reshape(s) for n, s in zip(shape, _SIDES, strict=True))
    radius = np.sqrt((x / 0.85) ** 2 + (y / 0.8) ** 2 + (z / 1.6) ** 2)
    tissue = 0.6 + 0.15 * x + 0.1 * np.sin(9 * x + 4 * y) * np.cos(7 * y) - 0.35 * (radius < 0.25)
    voxels = BRIGHT * np.where(radius < 1, tissue + 0.3 * (radius > 0.85), air)
    return Volume(voxels[None], oblique(spacing_mm), modality="MR")


def textured(shape: tuple[int, int, int] = (48, 44, 6), *, seed: int = 0) -> Volume:
    """Positive white texture everywhere: no two voxels alike."""
    voxels = np.random.default_rng(seed).uniform(100, BRIGHT, (1, *shape))
    return Volume(voxels, oblique((1.0, 1.0, 3.0)), modality="MR")


def oblique(spacing_mm: tuple[float, float, float]) -> Affine:
    """An affine with a rotation and an offset, so that nothing is right by being the identity."""
    turn = np.deg2rad(20)
    rotation = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing_mm
    affine[:3, 3] = (-20.0, 15.0, -30.0)
    return affine


_SIDES = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))
