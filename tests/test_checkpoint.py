"""A checkpoint folder: what goes in comes out, and what is wrong is said."""

import hashlib

import pytest
import torch
from safetensors.torch import load_file, save_file

from medddim import checkpoint, models
from medddim.checkpoint import Checkpoint
from medddim.errors import CheckpointError, RecipeError
from medddim.models import CARD, RECIPE, WEIGHTS
from tests.recipes import tiny

CPU = torch.device("cpu")


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = checkpoint.build_network(tiny())
    for parameter in network.body.output_block.parameters():
        torch.nn.init.normal_(parameter)
    return network


@pytest.fixture
def folder(tmp_path, network):
    checkpoint.save(tmp_path / "model", tiny(), network)
    return tmp_path / "model"


def rewrite(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def test_it_opens_as_it_was_saved(folder, network):
    opened = Checkpoint.open(folder)
    assert opened.recipe == tiny()
    assert opened.sha256 == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    restored = checkpoint.named_tensors(opened.denoiser(CPU).network)
    for key, tensor in checkpoint.named_tensors(network).items():
        assert torch.equal(restored[key], tensor.half().float()), key


def test_weights_are_float16_on_disk_and_float32_in_use(folder):
    assert {t.dtype for t in load_file(folder / WEIGHTS).values()} == {torch.float16}
    network = Checkpoint.open(folder).denoiser(CPU).network
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_a_folder_named_like_a_model_is_never_skipped(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    folder.rename("mr-denoise")
    assert Checkpoint.open("./mr-denoise").recipe == tiny()
    with pytest.raises(CheckpointError, match="is a model of medddim, and a folder here"):
        Checkpoint.open("mr-denoise")
    monkeypatch.chdir("..")
    assert Checkpoint.open("mr-denoise").folder == models.SHIPPED / "mr-denoise"


def test_float32_weights_load_too(folder, network):
    save_file(
        {key: t.detach().contiguous() for key, t in checkpoint.named_tensors(network).items()},
        folder / WEIGHTS,
    )
    restored = checkpoint.named_tensors(Checkpoint.open(folder).denoiser(CPU).network)
    assert all(torch.equal(restored[k], t) for k, t in checkpoint.named_tensors(network).items())


def test_a_restored_network_answers_like_the_saved_one(folder, network):
    denoiser = Checkpoint.open(folder).denoiser(CPU)
    state, noise = torch.rand(1, 3, 16, 16), torch.full((1, 1, 1, 1), 0.1)
    one, other = (
        net(state, torch.ones(1), strength=noise)
        for net in (network.half().float(), denoiser.network)
    )
    assert torch.equal(one, other)


def test_saving_again_leaves_no_debris(folder, network):
    checkpoint.save(folder, tiny(), network)
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, RECIPE}


def test_equal_weights_are_equal_files(tmp_path, network):
    for name in "ab":
        checkpoint.save(tmp_path / name, tiny(), network)
    one, other = (Checkpoint.open(tmp_path / name) for name in "ab")
    assert one.sha256 == other.sha256


def test_a_card_is_read_if_there_is_one(folder):
    assert Checkpoint.open(folder).card == ""
    (folder / CARD).write_text("# mine\n", encoding="utf-8")
    assert Checkpoint.open(folder).card == "# mine\n"


@pytest.mark.parametrize("missing", [WEIGHTS, RECIPE, None])
def test_a_missing_file_or_folder_is_reported_with_the_remedy(folder, missing):
    if missing:
        (folder / missing).unlink()
    with pytest.raises(CheckpointError, match=r"no model .* holding recipe\.yaml and weights"):
        Checkpoint.open(folder if missing else "no-such-model")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda tensors: tensors.pop(next(iter(tensors))), "1 tensors do not match"),
        (lambda tensors: tensors.update(extra=torch.zeros(1)), "do not match, first 'extra'"),
        (lambda tensors: tensors.update({k: t[:1] for k, t in tensors.items()}), "expected shape"),
    ],
)
def test_tensors_of_another_network_are_refused(folder, change, says):
    rewrite(folder, change)
    with pytest.raises(CheckpointError, match=says) as caught:
        Checkpoint.open(folder).denoiser(CPU)
    assert WEIGHTS in str(caught.value)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"x" * 99])
def test_a_damaged_file_is_refused(folder, damage):
    path = folder / WEIGHTS
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match="does not fit its recipe"):
        Checkpoint.open(folder).denoiser(CPU)


def test_another_recipe_beside_the_weights_is_refused(folder):
    (folder / RECIPE).write_text(tiny(network={"widths": (8, 8, 16)}).dump(), encoding="utf-8")
    with pytest.raises(CheckpointError, match="does not fit"):
        Checkpoint.open(folder).denoiser(CPU)


def test_a_broken_recipe_names_its_file(folder):
    (folder / RECIPE).write_text("name: x", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"recipe\.yaml"):
        Checkpoint.open(folder)


def test_every_shipped_model_opens():
    for name in models.shipped():
        opened = Checkpoint.open(name)
        assert opened.recipe.name == name
        assert opened.card
        opened.denoiser(CPU)


def speaking(**shape):
    torch.manual_seed(1)
    path = {"path": "variance-preserving"} if shape.get("sees_scan") else {}
    recipe = tiny(network=shape, diffusion=path)
    net = checkpoint.build_network(recipe).eval()
    torch.nn.init.normal_(net.body.output_block.conv.conv.weight, std=0.1)
    return recipe, net


def test_a_network_can_begin_with_the_weights_of_another(tmp_path):
    recipe, other = speaking()
    checkpoint.save(tmp_path, recipe, other.half().float())
    torch.manual_seed(2)
    fresh = checkpoint.build_network(recipe)
    checkpoint.start_from(str(tmp_path), fresh)
    ours, theirs = checkpoint.named_tensors(fresh), checkpoint.named_tensors(other)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize(
    "shape",
    [{}, {"detail_gain": 8.0}, {"spatial_dims": 3, "slices": 1, "maps": 3, "detail_gain": 8.0}],
)
def test_one_that_is_shown_the_scan_begins_as_one_whose_state_was_the_scan(tmp_path, shape):
    recipe, other = speaking(**shape)
    checkpoint.save(tmp_path, recipe, other.half().float())
    _, shown = speaking(sees_scan=True, **shape)
    checkpoint.start_from(str(tmp_path), shown)
    dims, maps = shape.get("spatial_dims", 2), shape.get("maps", 1)
    scan = torch.rand(2, shape.get("slices", 3), *[16] * dims)
    strength = torch.full((1, maps, *[1] * dims), 0.1)
    with torch.inference_mode():
        expected = other(scan, torch.ones(2), strength=strength)
        noise = torch.randn(scan.shape)
        answer = shown(noise, torch.ones(2), strength=strength, scan=scan)
    assert torch.allclose(answer, expected, rtol=1e-4, atol=1e-5), (answer - expected).abs().max()


def test_a_network_of_another_shape_cannot_begin_there(tmp_path):
    recipe, other = speaking()
    checkpoint.save(tmp_path, recipe, other)
    _, wider = speaking(widths=(8, 8, 16))
    with pytest.raises(CheckpointError, match="expected shape"):
        checkpoint.start_from(str(tmp_path), wider)
