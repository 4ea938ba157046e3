"""Fit what the filter takes of a scan and what of a network's answer: `gains.FITTED`.

    python tools/fit_gains.py MODEL --data SCANS [--steps 300] [--seed 0] [--white 1] [--smooth 0.4]

MODEL is a checkpoint folder or the name of a model whose answer is filtered; its recipe draws the
pairs, from the scans it is trained on, but for the shares of white noise and of smooth anatomy
that are asked for. The network stays as it is: the numbers go down the gradient
of the weighted squared error of the filtered scan, noise of the targets considered
(Noisier2Noise). Prints them, and the loss of the answer and of the filtered scan on the way.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from medddim.checkpoint import Checkpoint
from medddim.diffusion import Condition, Denoiser
from medddim.diffusion.denoiser import noisier2noise
from medddim.inference.gains import FITTED
from medddim.training.dataset import Pairs
from medddim.training.filtered import PilotOf
from medddim.training.scanner_pairs import ScannerPairs
from medddim.training.scans import chosen, read_all

REPORT_EVERY = 20


def main() -> None:
    """Draw, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--white", type=float, help="share of pairs with white noise")
    parser.add_argument("--smooth", type=float, help="share of pairs with smooth anatomy")
    asked = parser.parse_args()
    opened = Checkpoint.open(asked.model)
    training = opened.recipe.training.model_copy(update={"seed": asked.seed})
    shares = {"white": asked.white, "smooth": asked.smooth}
    shares = {name: share for name, share in shares.items() if share is not None}
    drawn = opened.recipe.degradation.model_copy(update=shares)
    recipe = opened.recipe.model_copy(update={"training": training, "degradation": drawn})
    scans, _ = chosen(recipe.data, asked.data, modality=recipe.modality)
    pairs = ScannerPairs(recipe, list(read_all(scans, modality=recipe.modality).values()))
    denoiser = opened.denoiser(torch.device("cpu"))
    numbers = {kind: torch.tensor(known, requires_grad=True) for kind, known in FITTED.items()}
    optimiser = torch.optim.Adam([*numbers.values()], lr=asked.rate)
    losses = []
    for step in range(asked.steps):
        for group in optimiser.param_groups:
            group["lr"] = asked.rate * min(1, 2 - 2 * step / asked.steps)
        losses.append(_step(denoiser, pairs.draw(step), numbers, optimiser, step))
        if (step + 1) % REPORT_EVERY == 0:
            answer, filtered = np.mean(losses[-REPORT_EVERY:], axis=0)
            print(f"{step + 1}: answer {answer:.4f}, filtered {filtered:.4f}", flush=True)
    for kind, found in numbers.items():
        print(kind)
        for line in found.tolist():
            print("   ", tuple(round(number, 2) for number in line))


def _step(
    denoiser: Denoiser,
    pairs: Pairs,
    numbers: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    step: int,
) -> tuple[float, float]:
    """One step; the loss of the answer and of the filtered scan."""
    assert pairs.own is not None
    assert pairs.weight is not None
    assert pairs.alike is not None
    clean, scan, strength, own, weight = map(
        torch.from_numpy, (pairs.clean, pairs.scan, pairs.strength, pairs.own, pairs.weight)
    )
    level, condition = torch.ones(len(clean), dtype=torch.float64), Condition(strength)
    with torch.no_grad():
        source = denoiser.path.source(clean, scan, torch.zeros_like(clean), level)
        kept, times = noisier2noise(denoiser.path, own, level)
        state = denoiser.path.state(clean, kept * source, level)
        target = denoiser.target(clean, times * source, level, condition)
        truth = denoiser.estimate(state, target, level, condition)
        answer = denoiser(state, 1.0, condition)
    grids = [
        PilotOf(strength, level, pairs.alike, 2 * step + one, numbers)(state, answer)
        for one in range(2)
    ]
    lost, left = (
        (weight * ((image - truth) / strength[:, :1]).square()).sum() / weight.sum()
        for image in (answer, (grids[0] + grids[1]) / 2)
    )
    optimiser.zero_grad()
    left.backward()
    optimiser.step()
    return lost.item(), left.item()


if __name__ == "__main__":
    main()
