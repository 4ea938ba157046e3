"""The Enhancer: right wiring, whatever the shape, the unit or the emptiness of a scan."""

import numpy as np
import pytest
import torch

from medddim import checkpoint
from medddim.diffusion import Denoiser
from medddim.errors import (
    CheckpointError,
    RequestProblem,
    UnsupportedScan,
)
from medddim.inference.enhancer import Enhancer
from medddim.scaling import Scaling
from medddim.volume import Volume
from tests.phantoms import head, oblique, textured
from tests.recipes import tiny
from tests.studies import enhancer

CPU = torch.device("cpu")


def silent():
    recipe = tiny()
    denoiser = checkpoint.build_denoiser(recipe, checkpoint.build_network(recipe).eval())
    return Enhancer(recipe, denoiser, device=CPU, precision="fp32")


def like_input(answer, scan, tolerance=1e-6):
    return np.abs(answer.voxels - scan.voxels).max() <= tolerance * np.abs(scan.voxels).max()


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("shape", [(48, 44, 6), (33, 17, 5), (20, 20, 1), (3, 2, 2), (1, 1, 1)])
def test_a_fresh_network_changes_nothing(shape, steps):
    scan = textured(shape)
    answer = silent()(scan, steps=steps)
    assert like_input(answer, scan)
    scan.require_same_grid(answer)


@pytest.mark.parametrize("steps", [1, 3])
def test_no_voxel_changes_by_more_than_noise_can(steps):
    """Whatever a network says: this one was never trained, and asks for far more."""
    scan, noise = textured(), 5.0
    wired = enhancer()
    wired.denoiser.network.body.output_block.conv.conv.bias.data += 100
    change = np.abs(wired(scan, steps=steps, noise=noise).voxels - scan.voxels)
    assert change.max() == pytest.approx(6 * noise, rel=1e-3)
    assert like_input(wired(scan, steps=steps, noise=0.0), scan)


@pytest.mark.filterwarnings("ignore:out of range")
@pytest.mark.parametrize("filtering", [False, True])
def test_voxels_brighter_than_any_in_training_stay_as_they_are(filtering):
    """Behind the network, too, where means and a filter follow it."""
    scan = textured()
    voxels = scan.voxels.copy()
    voxels[0, 3:5, 4, 2] = 50 * np.percentile(scan.voxels, 99.5)
    bright = scan.with_voxels(voxels)
    made = Enhancer.load("mr-denoise-fast", device="cpu") if filtering else enhancer()
    answer = made(bright, noise=5.0)
    assert np.array_equal(answer.voxels[0, 3:5, 4, 2], voxels[0, 3:5, 4, 2])
    assert not like_input(answer, bright, 1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_cut_along_their_axis_wherever_it_lies(axis):
    """The same scan with its axes in another order gets the same answer."""
    scan = textured((24, 20, 6))
    moved = np.moveaxis(scan.voxels, 3, 1 + axis)
    spacing = np.roll([3.0, 1.0, 1.0], axis)
    turned = Volume(moved, oblique(tuple(spacing)), modality="MR")
    assert turned.slice_axis == axis
    wired = enhancer()
    answer = wired(turned, steps=2, noise=30.0)
    expected = wired(scan, steps=2, noise=30.0)
    assert not like_input(expected, scan, 1e-3)
    assert np.array_equal(np.moveaxis(answer.voxels, 1 + axis, 3), expected.voxels)


def test_channels_are_images_of_their_own():
    scan, other = textured((24, 20, 4)), textured((24, 20, 4), seed=1)
    both = scan.with_voxels(np.concatenate([scan.voxels, other.voxels]))
    wired = enhancer()
    answer = wired(both, steps=2, noise=30.0)
    scale = Scaling.fit(both).scale
    for channel, alone in enumerate((scan, other)):
        # Scaled alone, its 99.5th percentile is a little different, and the network not linear.
        assert Scaling.fit(alone).scale == pytest.approx(scale, rel=0.01)
        expected = wired(alone, steps=2, noise=30.0).voxels[0]
        assert np.abs(answer.voxels[channel] - expected).max() < 0.02 * scale


@pytest.mark.parametrize("value", [0.0, 100.0, -100.0])
@pytest.mark.parametrize("steps", [1, 3])
def test_an_empty_or_constant_scan_gives_no_nan(value, steps):
    scan = Volume(np.full((1, 20, 20, 3), value), np.eye(4))
    answer = enhancer()(scan, steps=steps)
    assert like_input(answer, scan)  # no noise, nothing to remove


def test_the_answer_follows_the_gain_of_the_scanner():
    scan, wired = textured((24, 20, 4)), enhancer()
    louder = scan.with_voxels(scan.voxels * 16)
    assert np.allclose(wired(louder).voxels, 16 * wired(scan).voxels, rtol=1e-4, atol=1e-2)


def test_header_unit_and_input_are_kept():
    scan = Volume(textured().voxels, np.eye(4), "MR", "a.u.", source="header")
    before = scan.voxels.copy()
    answer = enhancer()(scan)
    assert (answer.modality, answer.unit, answer.source) == ("MR", "a.u.", "header")
    assert np.array_equal(scan.voxels, before)


def test_a_magnitude_stays_one_and_negative_units_may_stay_negative():
    dark = head()
    assert enhancer()(dark, noise=200.0).voxels.min() == 0
    signed = dark.with_voxels(dark.voxels - 60)
    assert enhancer()(signed, noise=200.0).voxels.min() < -20


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_previews_are_one_a_step_and_the_last_is_the_answer(steps):
    scan, wired = textured((24, 20, 4)), enhancer()
    previews = list(wired.previews(scan, steps=steps))
    assert len(previews) == steps
    assert np.array_equal(previews[-1].voxels, wired(scan, steps=steps).voxels)
    if steps > 1:
        assert not np.array_equal(previews[0].voxels, previews[-1].voxels)


def test_the_first_preview_is_the_regression():
    scan, wired = textured((24, 20, 4)), enhancer()
    first = next(iter(wired.previews(scan, steps=5)))
    assert np.array_equal(first.voxels, wired(scan, steps=1).voxels)


def test_bf16_is_close_to_fp32():
    scan = textured((24, 20, 4))
    exact, rounded = (enhancer(p)(scan, noise=40.0).voxels for p in ("fp32", "bf16"))
    assert not np.array_equal(exact, rounded)
    removed = np.abs(exact - scan.voxels).max()
    assert np.abs(exact - rounded).max() < 0.05 * removed


def test_the_noise_level_is_reported_in_the_scans_unit():
    scan, wired = textured((24, 20, 4)), enhancer()
    removed = [np.abs(wired(scan, noise=n).voxels - scan.voxels).mean() for n in (0.0, 10.0, 40.0)]
    assert removed[0] < 1e-3
    assert removed == sorted(removed)
    assert removed[2] > 2 * removed[1]


@pytest.mark.parametrize(("path", "spread"), [("variance-preserving", 1.0), ("bridge", 0.1)])
def test_paths_whose_network_sees_the_scan(path, spread):
    """A network that returns the middle slice of the scan it is shown: the scan comes back.

    The state it begins with is noise: of a bridge, on the scan.
    """
    states = []

    class Shown(torch.nn.Module):
        halo, stride = 0, 1

        def forward(self, state, level, *, strength, scan):
            states.append(state - scan if path == "bridge" else state)
            return scan[:, scan.shape[1] // 2, None]

    diffusion = {"path": path, "prediction": "x0", "noise": 0.1 if path == "bridge" else 0.0}
    recipe = tiny(network={"sees_scan": True}, diffusion=diffusion)
    denoiser = Denoiser(Shown(), checkpoint.build_path(recipe), "x0")
    wired = Enhancer(recipe, denoiser, device=CPU, precision="fp32")
    scan = textured((24, 20, 5))
    assert like_input(wired(scan, steps=3), scan)
    assert states[0].std() == pytest.approx(spread, rel=0.1)


def test_noise_is_keyed_by_the_seed_alone():
    scan = textured((24, 20, 4))
    wired = enhancer(diffusion={"path": "variance-preserving", "prediction": "v"})
    one, again, other = (wired(scan, steps=2, seed=seed).voxels for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_samples_differ_as_much_as_the_posterior_allows():
    """Clean voxels of 500 +- 40 in noise of 30: what the scan leaves open is 40 * 30 / 50."""
    recipe = tiny(diffusion={"path": "posterior", "prediction": "x0"})
    random = np.random.default_rng(0)
    clean = 500 + 40 * random.standard_normal((1, 24, 20, 8))
    scan = Volume((clean + 30 * random.standard_normal(clean.shape)).astype("f"), np.eye(4), "MR")
    scale = Scaling.fit(scan, **recipe.scaling.model_dump()).scale

    class Perfect(torch.nn.Module):
        halo, stride = 0, 1

        def forward(self, state, level, *, strength, scan):
            noise = level.to(state).reshape(-1, 1, 1, 1) * strength
            gain = (40 / scale) ** 2 / ((40 / scale) ** 2 + noise**2)
            return 500 / scale + gain * (state[:, 1:2] - 500 / scale)

    denoiser = Denoiser(Perfect(), checkpoint.build_path(recipe), "x0")
    wired = Enhancer(recipe, denoiser, device=CPU, precision="fp32")
    one, other = (wired(scan, steps=100, seed=seed, noise=30.0).voxels for seed in (1, 2))
    assert np.std(one - other) / np.sqrt(2) == pytest.approx(24, rel=0.06)
    assert np.std(one - clean) == pytest.approx(np.sqrt(2) * 24, rel=0.06)


def test_the_scans_own_noise_needs_no_seed():
    scan, wired = textured((24, 20, 4)), enhancer()
    assert np.array_equal(wired(scan, seed=0).voxels, wired(scan, seed=1).voxels)


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps_is_an_error(steps):
    with pytest.raises(RequestProblem, match="at least 1 step"):
        silent()(textured((8, 8, 2)), steps=steps)


def test_a_saved_model_answers_like_the_one_it_was_saved_from(tmp_path):
    wired, scan = enhancer(), textured((24, 20, 4))
    network = wired.denoiser.network
    network.half().float()  # what float16 on disk keeps
    checkpoint.save(tmp_path, wired.recipe, network)
    loaded = Enhancer.load(tmp_path, device="cpu", precision="fp32")
    assert np.array_equal(loaded(scan).voxels, wired(scan).voxels)


def test_loading_what_is_not_there_says_so(tmp_path):
    with pytest.raises(CheckpointError, match="no model"):
        Enhancer.load(tmp_path / "nothing")


def test_an_answer_says_how_it_was_made():
    wired, scan = enhancer(), textured((24, 20, 4))
    made = wired(scan, steps=2, seed=3, noise=20.0).derivation
    assert made.kind == "denoise"
    assert "model tiny, 2 DDIM steps" in made.summary
    assert made.parameters["seed"] == 3
    assert made.parameters["noise_level"] == round(20 / Scaling.fit(scan).scale, 5)
    assert made.parameters.items() > {"precision": "fp32", "fidelity": 0.0}.items()
    estimated = wired(scan, steps=np.int64(2)).derivation
    assert estimated.parameters["noise_level"] != made.parameters["noise_level"]
    blended = wired(scan, steps=2, fidelity=0.5).derivation
    assert blended.parameters == estimated.parameters | {"fidelity": 0.5}
    assert "fidelity 0.5" in blended.summary


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_refused(wrong):
    voxels = head().voxels.copy()
    voxels[0, 3, 3, 3] = wrong
    with pytest.raises(UnsupportedScan, match="not finite numbers"):
        enhancer()(head().with_voxels(voxels))


@pytest.mark.parametrize("noise", [-5.0, np.nan, np.inf])
def test_a_noise_that_is_none_is_refused(noise):
    with pytest.raises(RequestProblem, match="expected a noise of 0 or more"):
        enhancer()(textured((8, 8, 2)), noise=noise)


def test_the_whole_way_back_to_one_step_is_one_step():
    wired, evaluations = enhancer(), []
    wired.progress = evaluations.append
    scan = textured((24, 20, 4))
    answer = wired(scan, steps=8, fidelity=1)
    assert sum(evaluations) == pytest.approx(1)
    assert np.array_equal(answer.voxels, wired(scan, steps=1).voxels)


def test_fidelity_is_the_share_of_the_first_step():
    wired, scan = enhancer(), textured((24, 20, 4))
    first, last = (one.voxels for one in wired.previews(scan, steps=2))
    blended = wired(scan, steps=2, fidelity=0.25).voxels
    assert np.abs(last - first).max() > 1
    assert np.allclose(blended, 0.25 * first + 0.75 * last, atol=1e-3)
