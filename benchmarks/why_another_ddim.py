"""Why another DDIM? A perfect denoiser, and what each library's DDIM makes of it.

    python benchmarks/why_another_ddim.py [-o table.md]

The task is conditional denoising, y = x + noise, of image-like Gaussian signals (power 1 / f^2.5
over 256 frequencies, standard deviation 0.5 in all, noise 0.1). There the best possible denoiser is
known in closed form, so whatever is lost is the sampler's fault. Reported is the PSNR
against the posterior mean, in dB: 0 is the best possible, an exact posterior sample is at -3.01.
All samplers start from the same noise, walk the same DDPM table of 1000 linear betas, and clip
nothing.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from medddim.diffusion import LinearBeta, ddim, trailing

warnings.filterwarnings("ignore")
STEPS = (1, 2, 4, 5, 8, 10, 20, 50, 100, 600, 1000)
SAMPLES = 200


@dataclass(frozen=True)
class Task:
    """Signals, their posterior given the measurement, and a start, all float64 `(sample, mode)`."""

    signal: Tensor
    mean: Tensor
    variance: Tensor
    start: Tensor

    def clean(self, state: Tensor, alpha: float) -> Tensor:
        """The perfect conditional denoiser: E[x | y, state]; `alpha` as in state = alpha x + ..."""
        gain = alpha * self.variance / (alpha**2 * self.variance + 1 - alpha**2)
        return self.mean + gain * (state - alpha * self.mean)

    def loss_db(self, answer: Tensor) -> float:
        """PSNR of `answer` minus that of the posterior mean."""
        best = (self.mean - self.signal).square().mean()
        return float(10 * torch.log10(best / (answer - self.signal).square().mean()))


def make_task(*, modes: int = 256, spread: float = 0.5, noise: float = 0.1) -> Task:
    """Draw signals and measurements; seeded."""
    generator = torch.Generator().manual_seed(0)
    power = torch.arange(1, modes + 1, dtype=torch.float64) ** -2.5
    power = power / power.mean() * spread**2
    unit = torch.randn(3, SAMPLES, modes, dtype=torch.float64, generator=generator)
    signal = power.sqrt() * unit[0]
    wiener = power / (power + noise**2)
    return Task(signal, wiener * (signal + noise * unit[1]), wiener * noise**2, unit[2])


def ours(task: Task, steps: int) -> Tensor:
    """medddim: the trailing ladder, walked pairwise."""
    path = LinearBeta()

    def denoise(state: Tensor, level: float) -> Tensor:
        return task.clean(state, path.mix(torch.tensor(level, dtype=torch.float64))[0].item())

    *_, answer = ddim(denoise, task.start, trailing(steps), path=path)
    return answer


def with_scheduler(task: Task, scheduler: object, step: Callable[..., Tensor]) -> Tensor:
    """Any library's scheduler, with the perfect denoiser that knows what noise it sees."""
    state = task.start
    for t in scheduler.timesteps:
        alpha = float(scheduler.alphas_cumprod[int(t)].double().sqrt())
        noise = (state - alpha * task.clean(state, alpha)) / (1 - alpha**2) ** 0.5
        state = step(noise, t, state)
    return state


def monai(task: Task, steps: int) -> Tensor:
    """MONAI's DDIMScheduler as it comes."""
    from monai.networks.schedulers import DDIMScheduler

    scheduler = DDIMScheduler(
        1000, schedule="linear_beta", beta_start=1e-4, beta_end=0.02, clip_sample=False
    )
    scheduler.set_timesteps(steps)
    return with_scheduler(task, scheduler, lambda noise, t, x: scheduler.step(noise, int(t), x)[0])


def diffusers(spacing: str) -> Callable[[Task, int], Tensor]:
    """Hugging Face diffusers' DDIMScheduler with one of its spacings."""

    def sample(task: Task, steps: int) -> Tensor:
        from diffusers import DDIMScheduler

        scheduler = DDIMScheduler(
            1000, beta_start=1e-4, beta_end=0.02, clip_sample=False, timestep_spacing=spacing
        )
        scheduler.set_timesteps(steps)
        return with_scheduler(
            task, scheduler, lambda noise, t, x: scheduler.step(noise, t, x).prev_sample
        )

    return sample


SAMPLERS: dict[str, Callable[[Task, int], Tensor]] = {
    "medddim (trailing)": ours,
    "diffusers trailing": diffusers("trailing"),
    "diffusers leading": diffusers("leading"),
    "diffusers linspace": diffusers("linspace"),
    "MONAI default": monai,
}


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    output = parser.parse_args().output
    task = make_task()
    lines = ["| steps | " + " | ".join(SAMPLERS) + " |", "| --- " * (len(SAMPLERS) + 1) + "|"]
    for steps in STEPS:
        losses = [
            f"{round(task.loss_db(sample(task, steps)), 2) + 0.0:.2f}"
            for sample in SAMPLERS.values()
        ]
        lines.append(f"| {steps} | " + " | ".join(losses) + " |")
        print(lines[-1], flush=True)
    text = "\n".join(lines)
    print(text)
    if output:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
