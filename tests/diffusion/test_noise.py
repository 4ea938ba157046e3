"""Keyed noise: the published generator, normal, and the same for a voxel however it is cut."""

import pytest
import torch
from scipy import stats

from medddim.diffusion import keyed_noise
from medddim.diffusion.noise import philox


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, key, words):
    """The known-answer tests of Random123 for philox4x32-10."""
    answer = philox([torch.tensor(word) for word in counter], key=key)
    assert " ".join(f"{int(word):08x}" for word in answer) == words


def test_a_voxel_gets_the_same_noise_wherever_the_cut():
    whole = keyed_noise((9, 20, 30), seed=3, draw=2)
    part = keyed_noise((4, 6, 7), seed=3, draw=2, origin=(5, 11, 20))
    assert torch.equal(part, whole[5:9, 11:17, 20:27])


def test_noise_is_white_and_normal():
    noise = keyed_noise((60, 60, 60), seed=1)
    assert stats.kstest(noise.flatten().numpy(), "norm").pvalue > 0.01
    for axis in range(3):
        neighbours = torch.stack([noise.roll(1, axis).flatten(), noise.flatten()])
        assert abs(torch.corrcoef(neighbours)[0, 1].item()) < 0.01


@pytest.mark.parametrize("change", [{"seed": 5}, {"draw": 1}, {"seed": 4 + 2**32}])
def test_seed_and_draw_tell_noises_apart(change):
    one = keyed_noise((40, 40), seed=4)
    other = keyed_noise((40, 40), **({"seed": 4} | change))
    assert abs(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].item()) < 0.1
