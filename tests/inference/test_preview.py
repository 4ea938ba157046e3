"""One slice, the model loaded: that of the whole answer."""

from dataclasses import replace

import numpy as np
import pytest

from medddim.errors import RequestProblem
from medddim.volume import Volume
from tests.inference.test_invariance import CASES
from tests.phantoms import textured
from tests.studies import enhancer


@pytest.mark.parametrize("case", ["scan-noise", "3d", "noise-unet"])
@pytest.mark.parametrize("index", [0, 70, 119])
def test_it_is_the_slice_of_the_whole_answer(case, index):
    wired = enhancer(**CASES[case])
    scan = Volume(textured((24, 20, 120)).voxels, np.diag([1.0, 1.0, 3.0, 1.0]), "MR")
    plan = wired.plan(scan)
    slice_ = wired.preview(scan, index, plan=plan)
    whole = wired.answer(plan).crop(slice(None), slice(None), slice(index, index + 1))
    assert np.abs(slice_.voxels - whole.voxels).max() <= 1e-5 * np.ptp(scan.voxels)
    slice_.require_same_grid(whole)


def test_of_several_views_it_is_one():
    wired = enhancer(self_ensemble=True)
    scan = textured((40, 36, 9))
    one = wired.preview(scan, 4)
    plan = wired.plan(scan)
    whole = wired.answer(replace(plan, views=plan.views[:1]))
    assert np.abs(one.voxels - whole.voxels[..., 4:5]).max() <= 1e-5 * np.ptp(scan.voxels)


def test_no_such_slice_and_no_super_resolution():
    with pytest.raises(RequestProblem, match="from 0 to 8 of a scan to denoise, found 9"):
        enhancer().preview(textured((40, 36, 9)), 9)
    with pytest.raises(RequestProblem, match=r"a whole number as the slice, found 1\.5"):
        enhancer().preview(textured((40, 36, 9)), 1.5)
    finer = enhancer(**CASES["super-resolution"])
    scan = textured((40, 36, 9))
    from medddim.inference.settings import Settings

    with pytest.raises(RequestProblem, match="to denoise"):
        finer.preview(scan, 1, plan=finer.plan(scan, Settings(factor=2)))
