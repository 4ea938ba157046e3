"""Large images a slab at a time: the same to the bit."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.inference import slabs
from medddim.inference.plan import plan_scan
from medddim.inference.settings import Settings
from tests.inference.test_cost import NOISE
from tests.phantoms import textured
from tests.recipes import tiny

CT = {
    "modality": "CT",
    "scaling": {"kind": "window"},
    "degradation": {"kind": "low-dose", "dose": (0.1, 0.5)},
}
SPACINGS = {2: (1.0, 1.0, 3.0), 1: (1.0, 2.0, 1.0), 0: (1.5, 1.0, 1.0)}


def drawn(shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_a_filter_is_that_of_the_whole(monkeypatch, axis, size):
    shape = [6, 7, 8]
    shape[axis] = size
    monkeypatch.setattr(slabs, "SLAB", 100)
    image, seen = drawn(shape), []

    def smoothed(part, box):
        seen.append(box)
        assert part.shape == image[box].shape
        return gaussian_filter(part, 1.0, truncate=2.0)

    whole = smoothed(image.copy(), (slice(None),) * 3)
    seen.clear()
    slabs.in_place(smoothed, image, axis=axis, reach=2)
    assert np.array_equal(image, whole)
    assert (len(seen) > 2) == (size >= 9)


def test_what_is_small_is_one_slab():
    seen = []
    slabs.in_place(lambda part, box: seen.append(box) or part, drawn((9, 8, 7)), axis=2, reach=3)
    assert len(seen) == 1


@pytest.mark.parametrize("axis", SPACINGS)
@pytest.mark.parametrize(
    "case", [{}, {"keeps_mean": True}, CT | {"keeps_mean": True}, NOISE | {"keeps_mean": True}]
)
def test_an_answer_is_finished_as_the_whole_is(monkeypatch, case, axis):
    ct = case.get("modality") == "CT"
    kind = {"modality": "CT", "unit": "HU"} if ct else {}
    affine = np.diag([*SPACINGS[axis], 1.0])
    scan = replace(textured((40, 36, 44)), affine=affine, **kind)
    assert scan.slice_axis == axis
    same = plan_scan(tiny(**case), scan, Settings(noise=5.0)).consistency
    if same.level_map is not None:
        uneven = 0.8 + 0.4 * np.abs(drawn(scan.shape))
        same = replace(same, level_map=same.level_map * uneven)
    answer = scan.voxels[0] + 20 * drawn(scan.shape)
    whole = same.finish(answer.copy(), 0)
    monkeypatch.setattr(slabs, "SLAB", 40 * 36 * 8)
    assert np.array_equal(same.finish(answer.copy(), 0), whole)
    assert not np.array_equal(whole, answer)
