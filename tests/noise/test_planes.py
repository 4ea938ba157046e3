"""Which slices the noise is read from."""

import numpy as np
import pytest

from medddim.noise.planes import MOST_VOXELS, Slabs
from medddim.volume import Volume


def slabs_of(shape):
    counted = np.broadcast_to(np.arange(shape[2], dtype=np.float32), (1, *shape))
    return Slabs.of(Volume(counted, np.diag([1, 1, 4, 1]), modality="MR"))


@pytest.mark.parametrize("shape", [(512, 512, 38), (512, 512, 18), (640, 640, 20), (900, 900, 12)])
def test_of_large_slices_fewer_are_read_in_runs_over_the_scan(shape):
    found = slabs_of(shape)
    assert found.planes.size <= max(MOST_VOXELS, 4 * shape[0] * shape[1])
    assert len(found.positions) >= 4
    assert max(found.positions) > 0.6 * shape[2] > 0.4 * shape[2] > min(found.positions)
    for run in found.runs:
        assert set(np.diff(found.positions[run])) == {1}
    assert found.planes[:, 0, 0].tolist() == list(found.positions)


@pytest.mark.parametrize(
    ("size", "slices", "read"),
    [(192, 1, 1), (192, 2, 2), (192, 18, 18), (192, 19, 18), (192, 200, 18), (64, 64, 64)],
)
def test_of_slices_of_usual_size_eighteen_are_read_of_small_ones_more(size, slices, read):
    assert len(slabs_of((size, size, slices)).positions) == read
