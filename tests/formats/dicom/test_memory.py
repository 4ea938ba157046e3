"""The voxels of a series are held once while it is read."""

import tracemalloc
from typing import Any

import numpy as np

from medddim import formats

HELD = 4 + 2 + 1
"""Bytes of a voxel: its value, its integer, and whether it lies outside."""


def test_slices_are_decoded_into_one_array(scanner: Any) -> None:
    slices = scanner.slices(24, shape=(160, 160))
    (series,) = formats.find(scanner.store(slices))
    formats.read(series)  # what is loaded and compiled by the first is not the second's
    tracemalloc.start()
    try:
        volume = formats.read(series)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.4 * HELD * volume.voxels.size
    assert not volume.voxels.flags.writeable
    pixels = np.frombuffer(slices[3].PixelData, "<u2").reshape(160, 160)
    assert np.array_equal(volume.voxels[0, :, :, 3], pixels.T)
