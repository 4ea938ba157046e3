"""Keyed noise: the published generator, normal, and the same for a voxel however it is cut."""

import math

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


def test_it_is_box_and_muller_of_the_words_at_the_voxel():
    """The key is the seed's two halves, the counter the place and the draw; 53 and 64 bits."""
    place = torch.arange(3, 6)
    nothing = torch.zeros_like(place)
    counter = [nothing, nothing, place, torch.full_like(place, 2)]
    one, two, three, four = (word.double() for word in philox(counter, key=(5, 7)))
    first = (one * 2.0**21 + (two / 2.0**11).floor() + 1) / 2.0**53
    second = (three * 2.0**32 + four) / 2.0**64
    expected = (-2 * first.log()).sqrt() * (2 * math.pi * second).cos()
    noise = keyed_noise((3,), seed=5 + (7 << 32), draw=2, origin=(3,))
    assert torch.equal(noise, expected.float())


def test_a_box_needs_a_corner_for_every_axis():
    with pytest.raises(ValueError, match="zip"):
        keyed_noise((2, 2), seed=0, origin=(0,))
