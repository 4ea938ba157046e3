"""Views: an image comes back from every view to its place, and no side is favoured."""

from itertools import permutations, product

import numpy as np
import pytest
import torch

from medddim.inference.views import THICK, View, views_of
from medddim.volume import Volume
from tests.phantoms import head, oblique, textured
from tests.recipes import tiny
from tests.studies import enhancer

ISOTROPIC = (1.0, 1.0, 1.0)
FINER = {"kind": "larger-voxels", "factors": [(4, 1, 1)]}
THREE_D = {"spatial_dims": 3, "slices": 1, "maps": 3}


def cube(size=THICK, spacing=ISOTROPIC):
    return Volume(textured((size, THICK + 8, THICK + 3)).voxels, oblique(spacing), modality="MR")


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("mirrored", [(), (1,), (2,), (1, 2), (0, 1, 2)])
def test_a_view_and_back_is_the_image(order, mirrored):
    image, view = torch.arange(24.0).reshape(2, 3, 4), View(order, mirrored)
    seen = view.of(image)
    assert seen.shape == tuple(image.shape[axis] for axis in order)
    assert torch.equal(view.back(seen), image)


def test_thick_slices_are_seen_in_their_plane_mirrored():
    views = views_of(tiny(self_ensemble=True), head())
    assert {view.order for view in views} == {(2, 0, 1)}
    assert {view.mirrored for view in views} == {(), (1,), (2,), (1, 2)}


def test_an_isotropic_mr_scan_is_seen_in_its_three_planes():
    views = views_of(tiny(self_ensemble=True), cube())
    assert [view.order[0] for view in views] == [2, 1, 0]
    assert not any(view.mirrored for view in views)
    assert len({view.order for view in views_of(tiny(self_ensemble=True), cube(THICK - 1))}) == 1
    thick = cube(spacing=(1.0, 1.0, 1.2))
    assert len({view.order for view in views_of(tiny(self_ensemble=True), thick)}) == 1


def test_the_noise_of_ct_is_seen_in_its_own_plane():
    low_dose = {"kind": "low-dose", "dose": (0.1, 0.5), "kernels": ("standard",)}
    views = views_of(tiny(modality="CT", self_ensemble=True, degradation=low_dose), cube())
    assert len(views) == 4
    assert {view.order for view in views} == {(2, 0, 1)}


def test_a_3d_network_sees_the_largest_factor_first_and_eight_mirror_images():
    finer = {"task": "superresolve", "network": THREE_D, "degradation": FINER}
    assert views_of(tiny(**finer), cube(), (1, 4, 1)) == [View((1, 0, 2))]
    views = views_of(tiny(**finer, self_ensemble=True), cube(), (1, 4, 1))
    assert {view.mirrored for view in views} == {
        tuple(axis for axis, chosen in enumerate(some) if chosen)
        for some in product((0, 1), repeat=3)
    }


def test_a_model_without_an_ensemble_sees_one_view():
    assert views_of(tiny(), head()) == [View((2, 0, 1))]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(48, 44, 6), (33, 17, 5)])
def test_the_mirrored_scan_gets_the_mirrored_answer(shape, axis):
    scan, wired = textured(shape), enhancer(self_ensemble=True)
    turned = scan.with_voxels(np.flip(scan.voxels, 1 + axis))
    answer, other = (wired(volume, steps=2, noise=30.0).voxels for volume in (scan, turned))
    assert np.abs(np.flip(other, 1 + axis) - answer).max() < 1e-3
    alone = enhancer()(scan, steps=2, noise=30.0).voxels
    assert np.abs(alone - answer).max() > 1


def test_the_answer_to_an_isotropic_scan_is_the_mean_of_its_planes():
    scan = cube()
    scan = scan.with_voxels(scan.voxels - 140)  # some below 0, so that nothing is cut off there
    answer = enhancer(self_ensemble=True)(scan, noise=1000.0).voxels
    planes = []
    for axis in range(3):  # slices that lie a little further apart are the only ones to be cut
        spacing = [1.2 if axis == other else 1.0 for other in range(3)]
        thick = Volume(scan.voxels, oblique(tuple(spacing)), modality="MR")
        planes.append(enhancer()(thick, noise=1000.0).voxels)
    assert np.abs(planes[0] - planes[2]).max() > 1
    assert np.abs(np.mean(planes, 0) - answer).max() < 1e-3
