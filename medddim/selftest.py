"""The closed forms of the diffusion core, on this machine, in seconds.

In a Gaussian world the perfect denoiser is known, and so is where every walk down a ladder ends;
whatever differs is a fault of this installation. The arithmetic of networks is checked beside.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor

from medddim.diffusion import (
    PATHS,
    Condition,
    Denoiser,
    LinearBeta,
    Path,
    Prediction,
    VariancePreserving,
    ancestral,
    ddim,
    invert,
    karras,
    keyed_noise,
    second_order,
    trailing,
    uniform_log_snr,
)
from medddim.networks import autocast, choose_device

MEAN, SPREAD, NOISE = 0.3, 0.1, 0.4
COUNTS = (1, 2, 3, 4, 5, 8, 10, 20, 50, 100, 1000)
LADDERS: tuple[Callable[[int, Path], Tensor], ...] = (
    lambda count, path: path.ladder(count),
    lambda count, path: trailing(count),
    lambda count, path: uniform_log_snr(count, path=path),
    lambda count, path: karras(count, path=path),
)
WORLDS = {name: make() for name, make in PATHS.items()} | {
    "zero terminal SNR": LinearBeta(zero_terminal_snr=True)
}
PREDICTIONS: tuple[Prediction, ...] = ("x0", "eps", "v", "residual")


@dataclass(frozen=True)
class Check:
    """One closed form: the figure found, and the range from `low` to `high` it has to be in."""

    name: str
    figure: float
    low: float
    high: float

    @property
    def ok(self) -> bool:
        """Whether the figure is in its range; NaN is not."""
        return self.low <= self.figure <= self.high


def run() -> Iterator[Check]:
    """Every check, one after the other; differences are the largest absolute ones, float64."""
    for name, path in WORLDS.items():
        yield Check(f"{name}: DDIM is its exact map", _from_exact(path), 0.0, 1e-10)
        yield Check(f"{name}: one step is the posterior mean", _one_step(path), 0.0, 0.0)
        yield Check(f"{name}: one image stays that image", _one_image(path), 0.0, 1e-12)
        yield Check(f"{name}: predictions agree", _predictions(path), 0.0, 1e-12)
        yield Check(f"{name}: inversion and back", _round_trip(path), 0.0, 1e-10)
        yield Check(f"{name}: order of DDIM", _order(path, ddim), 0.85, 1.15)
        yield Check(f"{name}: order of second_order", _order(path, second_order), 1.85, 2.15)
    yield Check("eta 1 is ancestral sampling", _ancestral(), 0.0, 1e-10)
    yield Check("noise is the same on every tile", _tiles(), 0.0, 0.0)
    yield Check("bf16 against fp32, one convolution", _bf16(), 0.0, 0.05)


def _randn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _state(path: Path, level: Tensor) -> tuple[Tensor, Tensor]:
    """The state is `a * clean + b * unit noise`; a bridge's source holds the clean scan as well."""
    alpha, sigma = path.mix(level)
    return (alpha + sigma if _holds_scan(path) else alpha), sigma * (1.0 if path.white else NOISE)


def _holds_scan(path: Path) -> bool:
    one = torch.ones((), dtype=torch.float64)
    return not path.white and path.mix(one)[0].item() == 0


def _perfect(path: Path, spread: float = SPREAD) -> Callable[[Tensor, float], Tensor]:
    """The posterior mean of a prior N(MEAN, spread^2)."""

    def denoise(state: Tensor, level: float) -> Tensor:
        a, b = _state(path, torch.tensor(level, dtype=torch.float64))
        gain = a * spread**2 / (a**2 * spread**2 + b**2)
        return MEAN + gain * (state - a * MEAN)

    return denoise


def _answer(sample: Callable[..., Iterator[Tensor]], path: Path, ladder: Tensor) -> Tensor:
    *_, answer = sample(_perfect(path), _randn(1, 1, 9), ladder, path=path)
    return answer


def _from_exact(path: Path) -> float:
    """On every ladder: each step multiplies the deviation from the mean by a known factor."""
    worst = 0.0
    for count, make in product(COUNTS, LADDERS):
        ladder = make(count, path)
        a, b = _state(path, ladder)
        deviation = _randn(1, 1, 9) - a[0] * MEAN
        for t, u in pairwise(range(count + 1)):
            deviation = deviation * (a[t] * a[u] * SPREAD**2 + b[t] * b[u])
            deviation = deviation / (a[t] ** 2 * SPREAD**2 + b[t] ** 2)
        found = _answer(ddim, path, ladder) - (MEAN + deviation)
        worst = max(worst, found.abs().max().item())
    return worst


def _one_step(path: Path) -> float:
    mean = _perfect(path)(_randn(1, 1, 9), 1.0)
    return (_answer(ddim, path, path.ladder(1)) - mean).abs().max().item()


def _one_image(path: Path) -> float:
    walks = (
        list(ddim(_perfect(path, 0.0), _randn(1, 1, 9), path.ladder(count), path=path))[-1]
        for count in COUNTS
    )
    return max((answer - MEAN).abs().max().item() for answer in walks)


def _predictions(path: Path) -> float:
    """From below level 1, where alpha is 0 on some paths."""
    condition = Condition(torch.full((1, 1, 1), NOISE, dtype=torch.float64))
    clean_of, ladder = _perfect(path), 0.9 * trailing(20)

    def walk(prediction: Prediction) -> Tensor:
        def network(state: Tensor, level: Tensor, **_: Tensor | None) -> Tensor:
            clean = clean_of(state, level.item())
            alpha, sigma = path.mix(level)
            return denoiser.target(clean, (state - alpha * clean) / sigma, level, condition)

        denoiser = Denoiser(network, path, prediction)
        estimates = ddim(lambda x, t: denoiser(x, t, condition), _randn(1, 1, 9), ladder, path=path)
        return torch.stack(list(estimates))

    first, *others = map(walk, PREDICTIONS)
    return max((other - first).abs().max().item() for other in others)


def _round_trip(path: Path) -> float:
    ladder, denoise = 0.9 * trailing(10), _perfect(path)
    answer = _answer(ddim, path, ladder)
    start = invert(denoise, answer, ladder, path=path, iterations=20_000)
    *_, again = ddim(denoise, start, ladder, path=path)
    return (again - answer).abs().max().item()


def _order(path: Path, sample: Callable[..., Iterator[Tensor]]) -> float:
    """By how much the error against infinitely many steps falls from 200 to 400 of them."""
    a, b = _state(path, torch.ones((), dtype=torch.float64))
    total = (a**2 * SPREAD**2 + b**2).sqrt()
    limit = MEAN + SPREAD / total * (_randn(1, 1, 9) - a * MEAN)
    errors = [
        (_answer(sample, path, path.ladder(count)) - limit).abs().max() for count in (200, 400)
    ]
    return torch.log2(errors[0] / errors[1]).item()


def _ancestral() -> float:
    path, denoise = VariancePreserving(), _perfect(VariancePreserving())

    def draw(index: int) -> Tensor:
        return _randn(1, 1, 9, seed=index)

    start, ladder = _randn(1, 1, 9), path.ladder(100)
    one = list(ddim(denoise, start, ladder, path=path, eta=1.0, noise=draw))
    other = list(ancestral(denoise, start, ladder, path=path, noise=draw))
    return (torch.stack(one) - torch.stack(other)).abs().max().item()


def _tiles() -> float:
    whole = keyed_noise((9, 20, 30), seed=3)
    part = keyed_noise((4, 6, 7), seed=3, origin=(5, 11, 20))
    return (part - whole[5:9, 11:17, 20:27]).abs().max().item()


def _bf16() -> float:
    """On the device that `--device auto` takes, as a share of the largest value."""
    device = choose_device("auto")
    image = _randn(1, 8, 32, 32).float().to(device)
    weight = _randn(8, 8, 3, 3, seed=1).float().to(device)
    exact = torch.nn.functional.conv2d(image, weight)
    with autocast(device, "bf16"):
        rough = torch.nn.functional.conv2d(image, weight).float()
    return ((rough - exact).abs().max() / exact.abs().max()).item()
