"""What the viewer is given: volumes that are small, in place, and can be subtracted."""

import base64
import gzip
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from medddim.formats.nifti.compact import compact
from medddim.report.case import Case
from medddim.report.viewer import PACKAGE, library, scene
from medddim.report.words import BEYOND_CHANCE, STRUCTURE, structure
from tests.phantoms import head


@pytest.fixture(scope="module")
def case():
    clean = head((64, 60, 24))
    noise = np.random.default_rng(0).normal(0, 40, clean.voxels.shape)
    return Case("a", input=clean.with_voxels(clean.voxels + noise), enhanced=clean, reference=clean)


def opened(volume):
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(volume["data"])))


def test_a_compact_file_holds_the_rounded_values_in_their_place(case):
    image, affine = case.images["input"], case.enhanced.affine
    file = nib.Nifti1Image.from_bytes(gzip.decompress(compact(image, affine, low=-200.0, step=5.0)))
    assert np.allclose(file.affine, affine, atol=1e-4)
    assert np.abs(file.get_fdata() - image).max() <= 2.5 + 1e-3


def test_a_generous_budget_keeps_all_slices_and_the_world(case):
    shown = scene(case, budget=10**9)
    assert [volume["name"] for volume in shown["volumes"]] == ["input", "enhanced", "reference"]
    assert "255 grey levels" in shown["sampling"]
    before, after, _ = map(opened, shown["volumes"])
    assert before.header.get_slope_inter() == after.header.get_slope_inter()
    corner = np.linalg.inv(case.enhanced.affine) @ after.affine @ [0, 0, 0, 1]
    i, j, k = np.rint(corner[:3]).astype(int)
    x, y, z = after.shape
    original = case.images["enhanced"][i : i + x, j : j + y, k : k + z]
    step = (case.window[1] - case.window[0]) / 255
    assert np.abs(after.get_fdata() - original.clip(*np.percentile(original, (0, 99.9)))).max() < (
        20 * step
    )


def test_a_small_budget_takes_levels_first_then_slices_and_is_kept(case):
    whole = sum(len(volume["data"]) for volume in scene(case, budget=10**9)["volumes"])
    for share, note in ((0.95, "127 grey levels"), (0.45, "every second slice")):
        shown = scene(case, budget=int(share * whole))
        assert note in shown["sampling"]
        assert sum(len(volume["data"]) for volume in shown["volumes"]) <= share * whole
    assert scene(case, budget=100) is None


@pytest.mark.parametrize("sign", [0, 1, -1])
def test_nothing_is_exactly_nothing_in_the_map_of_structure(case, sign):
    marks = np.zeros_like(case.enhanced.voxels)
    marks[0, 30, 30, 12] = 7.3 * sign
    shown = scene(replace(case, maps={STRUCTURE: case.enhanced.with_voxels(marks)}), budget=10**9)
    (volume,) = [volume for volume in shown["volumes"] if volume["name"] == STRUCTURE]
    assert volume["kind"] == "signed"  # blue and orange, 0 in the middle
    values = opened(volume).get_fdata()
    assert np.count_nonzero(np.abs(values) > 1e-6) == abs(sign)


def test_niivue_is_found_whole_in_the_installed_package():
    pytest.importorskip(PACKAGE)
    found = library()
    assert "class Niivue" in found.source or "Niivue=class" in found.source
    assert "Redistribution" in found.licence
    assert gzip.decompress(base64.b64decode(found.packed)).decode() == found.source


def test_noise_has_no_structure_and_a_planted_spot_has(case):
    assert (np.abs(structure(case)) > BEYOND_CHANCE)[case.inside].mean() < 0.001
    altered = case.enhanced.voxels.copy()
    altered[0, 28:34, 28:34, 12] += 60
    planted = structure(Case("a", input=case.input, enhanced=case.enhanced.with_voxels(altered)))
    assert planted[31, 31, 12] > BEYOND_CHANCE
