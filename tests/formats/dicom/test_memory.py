"""The voxels of a series are held once while it is read, and only where there is room for them."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

from medddim import formats, memory
from medddim.errors import EnvironmentProblem
from medddim.formats.guard import BYTES_PER_VOXEL

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


@pytest.mark.parametrize("stacks", [1, 2])
def test_without_room_for_every_voxel_a_series_is_refused_by_its_folder(
    scanner: Any, monkeypatch: pytest.MonkeyPatch, stacks: int
) -> None:
    slices = [
        one
        for echo in range(stacks)
        for one in scanner.slices(2, EchoTime=10 + echo, SeriesInstanceUID="2.25.2")
    ]
    for number, one in enumerate(slices):
        one.SOPInstanceUID = f"2.25.9{number}"
    (series,) = formats.find(folder := scanner.store(slices))
    needed = stacks * 2 * 5 * 7 * (HELD + BYTES_PER_VOXEL)
    monkeypatch.setattr(memory, "available", lambda: needed)
    assert formats.read(series).channels == stacks
    monkeypatch.setattr(memory, "available", lambda: needed - 1)
    with pytest.raises(EnvironmentProblem) as caught:
        formats.read(series)
    assert str(caught.value).startswith(f"{folder}: reading it takes about 0.0 GB of memory, ")
