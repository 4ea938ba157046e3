"""One contract for every path; closed forms in float64."""

import math

import pytest
import torch

from medddim.diffusion import PATHS, Bridge, ScanNoise, VariancePreserving
from medddim.errors import DiffusionError

LEVELS = torch.linspace(0, 1, 1001, dtype=torch.float64)
every_path = pytest.mark.parametrize("path", [make() for make in PATHS.values()], ids=list(PATHS))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@every_path
def test_level_0_is_exactly_the_clean_scan(path):
    zero = torch.zeros(1, dtype=torch.float64)
    assert path.mix(zero)[0].item() == 1.0
    assert path.mix(zero)[1].item() == 0.0
    clean, source = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    assert torch.equal(path.state(clean, source, zero), clean)


@every_path
def test_noise_rises_signal_never_does_and_tables_are_float64(path):
    alpha, sigma = path.mix(LEVELS)[0], path.mix(LEVELS)[1]
    assert alpha.dtype == sigma.dtype == torch.float64
    assert (sigma.diff() > 0).all()
    assert (alpha.diff() <= 0).all()
    assert alpha.min() >= 0


@every_path
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 10, 1000])
def test_a_ladder_falls_strictly_from_exactly_1_to_exactly_0(path, steps):
    ladder = path.ladder(steps)
    assert ladder.dtype == torch.float64
    assert len(ladder) == steps + 1
    assert ladder[0].item() == 1.0
    assert ladder[-1].item() == 0.0
    assert (ladder.diff() < 0).all()


@pytest.mark.parametrize(
    ("name", "power"),
    [
        ("scan-noise", 1.5),
        ("variance-preserving", 2),
        ("linear-beta", 2),
        ("bridge", 1),
        ("posterior", 1),
    ],
)
def test_the_default_ladder_crowds_towards_clean_as_decided(name, power):
    """docs/decisions/0007: another power gives other answers with the same weights."""
    ladder = PATHS[name]().ladder(4).tolist()
    assert ladder == pytest.approx([(n / 4) ** power for n in (4, 3, 2, 1, 0)], abs=1e-15)


@every_path
@pytest.mark.parametrize("steps", [0, -1])
def test_a_ladder_has_a_step(path, steps):
    with pytest.raises(DiffusionError, match=f"at least 1 step, found {steps}"):
        path.ladder(steps)


@every_path
def test_drawn_levels_lie_above_0_and_are_keyed_by_the_generator(path):
    draws = [path.draw(500, full_share=0.3, generator=generator(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert draws[0].dtype == torch.float64
    assert draws[0].min() > 0
    assert draws[0].max() <= 1


@every_path
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_level_1_gets_its_share_and_the_rest_crowds_towards_clean(path, share):
    count = 20_000
    levels = path.draw(count, full_share=share, generator=generator())
    full = levels == 1
    assert full.double().mean().item() == pytest.approx(share, abs=4 / math.sqrt(count))
    if share < 1:
        rest = (levels[~full] ** (1 / path.crowding)).sort().values
        even = torch.linspace(0, 1, len(rest), dtype=torch.float64)
        assert (rest - even).abs().max() < 2 / math.sqrt(len(rest))  # Kolmogorov and Smirnov


@every_path
def test_weights_take_the_shape_and_type_of_what_they_multiply(path):
    alpha, sigma = path.weights(torch.tensor([0.2, 0.7]), like=torch.zeros(2, 3, 4, 4))
    assert alpha.shape == sigma.shape == (2, 1, 1, 1)
    assert alpha.dtype == sigma.dtype == torch.float32


@every_path
def test_the_start_is_the_state_at_level_1(path):
    """What sampling starts from, without the clean scan, is what training showed at level 1.

    Up to what DDPM's own table leaves of the clean scan at its last entry, well under 1 %.
    """
    clean, scan, noise = torch.rand(3, 1, 1, 4, 4, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    left_over = path.mix(one)[0].item() if path.white else 0.0
    state = path.state(clean, path.source(clean, scan, noise, one), one)
    assert left_over < 0.01
    assert (state - path.start(scan, noise)).abs().max() <= left_over + 1e-15


@pytest.mark.parametrize("path", [*(make() for make in PATHS.values()), Bridge(k=0.3)])
def test_a_path_says_whether_its_start_holds_noise_to_be_drawn(path):
    """The enhancer draws none for a path that says no: a noisy bridge would collapse."""
    scan, noise = torch.rand(2, 1, 1, 4)
    (_, one, _), (_, other, _) = (path.walk(abs, scan, drawn) for drawn in (noise, 0 * noise))
    assert path.random != torch.equal(one, other)


def test_the_scan_noise_path_holds_the_whole_scan_and_a_share_of_its_noise():
    path, clean, scan = ScanNoise(), torch.rand(1, 1, 4), torch.rand(1, 1, 4)
    quarter = torch.tensor([0.25], dtype=torch.float64)
    state = path.state(clean, path.source(clean, scan, torch.zeros(1), quarter), quarter)
    assert torch.allclose(state, clean + 0.25 * (scan - clean))


def test_variance_preserving_preserves_variance_and_ends_in_pure_noise():
    path = VariancePreserving()
    total = path.mix(LEVELS)[0] ** 2 + path.mix(LEVELS)[1] ** 2
    assert (total - 1).abs().max() < 1e-15
    one = torch.ones(1, dtype=torch.float64)
    assert path.mix(one)[0].item() == 0.0
    assert path.mix(one)[1].item() == 1.0
    third = torch.tensor([1 / 3], dtype=torch.float64)
    assert path.mix(third)[0].item() == pytest.approx(math.sqrt(3) / 2, abs=1e-15)


def test_the_bridge_mixes_clean_and_scan_and_its_noise():
    clean, scan, noise = torch.zeros(3), torch.ones(3), torch.full((3,), 2.0)
    half = torch.full((1,), 0.5)
    assert torch.equal(Bridge(k=0.5).source(clean, scan, noise, half), torch.full((3,), 2.0))
    assert torch.equal(Bridge().source(clean, scan, noise, half), scan)
    assert (sum(Bridge().mix(LEVELS)) - 1).abs().max() < 1e-15


@every_path
def test_a_level_of_less_precision_is_looked_up_in_float64(path):
    level, like = torch.tensor([0.3], dtype=torch.float32), torch.zeros(1, 1, dtype=torch.float64)
    found = path.weights(level, like=like)
    assert [one.item() for one in found] == [one.item() for one in path.mix(level.double())]
