"""MONAI's DynUNet in less memory: the same answer, to the bit."""

import pytest
import torch

from medddim.inference.cost import _Live
from medddim.networks.unet import body

SIZE = {2: (2, 5, 40, 32), 3: (1, 5, 16, 24, 16)}


def network(dims):
    torch.manual_seed(0)
    made = body(dims, 5, 4, (16, 24, 32)).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    layout = torch.channels_last if dims == 2 else torch.channels_last_3d
    image = torch.randn(SIZE[dims])
    return made, image, image.contiguous(memory_format=layout)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_answer_is_that_of_monai_to_the_bit(dims):
    made, *images = network(dims)
    for image in images:
        with torch.no_grad():
            expected = made(image)
        with torch.inference_mode():
            assert torch.equal(made(image), expected)


@pytest.mark.parametrize("dims", [2, 3])
def test_it_takes_less_memory(dims):
    made, image, _ = network(dims)
    with torch.no_grad(), _Live() as monai:
        made(image)
    with torch.inference_mode(), _Live() as ours:
        made(image)
    assert ours.peak < 0.75 * monai.peak
