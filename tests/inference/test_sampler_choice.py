"""The sampler is a choice: each of the table, with keyed noise, and on record."""

import numpy as np
import pytest

from medddim.diffusion import SAMPLERS
from medddim.errors import DiffusionError
from tests.phantoms import textured
from tests.studies import enhancer


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_is_a_choice_and_its_noise_is_keyed(name):
    scan = textured((24, 20, 4))
    scan = scan.with_voxels(np.concatenate([scan.voxels] * 2))
    wired = enhancer(diffusion={"path": "variance-preserving", "prediction": "v"})
    one, again = (wired(scan, steps=4, sampler=name) for _ in range(2))
    assert np.array_equal(one.voxels, again.voxels)
    assert not np.array_equal(one.voxels[0], one.voxels[1])  # each channel draws its own
    assert np.array_equal(one.voxels, wired(scan, steps=4).voxels) == (name == "ddim")
    assert one.derivation.parameters.get("sampler", "ddim") == name
    assert ("DDIM" in one.derivation.summary) == (name == "ddim")


def test_ancestral_sampling_needs_white_noise_to_start_from():
    with pytest.raises(DiffusionError, match="white noise; take ddim"):
        enhancer()(textured((8, 8, 2)), steps=2, sampler="ancestral")
