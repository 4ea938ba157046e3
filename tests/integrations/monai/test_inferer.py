"""Our sampler with networks of MONAI's."""

import pytest
import torch
from monai.inferers import DiffusionInferer
from monai.networks.nets import BasicUNet, DiffusionModelUNet
from monai.networks.schedulers import DDIMScheduler

from medddim import diffusion
from medddim.diffusion import keyed_noise
from medddim.errors import RequestProblem
from medddim.integrations.monai import DDIMInferer

T = 1000


def unet(channels):
    """A small diffusion U-Net of MONAI's, always the same."""
    torch.manual_seed(0)
    return DiffusionModelUNet(
        spatial_dims=2,
        in_channels=channels,
        out_channels=1,
        channels=(8,),
        attention_levels=(False,),
        num_res_blocks=1,
        norm_num_groups=4,
    ).eval()


@pytest.fixture
def scan(rng):
    return torch.from_numpy(rng.normal(size=(2, 1, 16, 12))).float()


def test_where_monais_own_sampler_is_right_it_is_the_same(scan):
    """At as many steps as timesteps; `Why another DDIM?` tells of all others."""

    def network(x, timesteps, context=None):
        state, shown = x[:, :1], x[:, 1:]
        return 0.3 * state - 0.1 * shown + 1e-4 * timesteps.reshape(-1, 1, 1, 1).to(x)

    scheduler = DDIMScheduler(num_train_timesteps=T, beta_end=0.02, clip_sample=False)
    scheduler.set_timesteps(T)
    noise = torch.stack([keyed_noise(scan.shape[2:], seed=5, draw=n)[None] for n in range(2)])
    theirs = DiffusionInferer(scheduler).sample(
        noise, network, conditioning=scan, mode="concat", verbose=False
    )
    inferer = DDIMInferer(
        diffusion.LinearBeta(), prediction="eps", seed=5, ladder=diffusion.trailing(T)
    )
    ours = inferer(scan, network)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("path", [diffusion.VariancePreserving(), diffusion.LinearBeta()])
def test_a_diffusion_unet_of_monais(scan, path):
    network = unet(2)
    answer = DDIMInferer(path, steps=3)(scan, network)
    assert answer.shape == scan.shape
    assert answer.isfinite().all()
    torch.testing.assert_close(answer, DDIMInferer(path, steps=3)(scan, network))
    assert not torch.allclose(answer, DDIMInferer(path, steps=3, seed=1)(scan, network))


def test_a_network_without_timesteps_starts_from_the_scan(scan):
    torch.manual_seed(0)
    network = BasicUNet(spatial_dims=2, in_channels=1, out_channels=1, features=(4,) * 6).eval()
    scan = torch.nn.functional.pad(scan, (10, 10, 8, 8))
    inferer = DDIMInferer(
        diffusion.ScanNoise(), prediction="residual", steps=1, mode="state", timesteps=None,
        strength=0.5,
    )  # fmt: skip
    with torch.no_grad():
        torch.testing.assert_close(inferer(scan, network), scan - 0.5 * network(scan))


def test_context_is_the_scan(scan):
    seen = {}

    def network(x, timesteps, context):
        seen.update(context=context, timesteps=timesteps)
        return x

    DDIMInferer(diffusion.VariancePreserving(), mode="crossattn", steps=1)(scan, network)
    assert seen["context"] is scan
    assert seen["timesteps"].tolist() == [T - 1, T - 1]


@pytest.mark.parametrize("shape", [(1, 2, 8, 8), (8, 8), (1, 1, 8)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(RequestProblem, match="batch, 1"):
        DDIMInferer(diffusion.ScanNoise())(torch.zeros(shape), torch.nn.Identity())
