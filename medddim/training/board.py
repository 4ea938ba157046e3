"""What a run writes down while it goes on: a line a report, and curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from torch.utils.tensorboard import SummaryWriter

from medddim.training.validation import mean_psnr

LOG = "log.jsonl"


def best_step(folder: Path) -> int | None:
    """The step of the run in `folder` that its checkpoint is of; None if nothing was held out."""
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    scores = {row["step"]: mean_psnr(row) for row in map(json.loads, lines)}
    known = {step: score for step, score in scores.items() if score is not None}
    return max(known, key=lambda step: known[step], default=None)


class Board:
    """log.jsonl and the TensorBoard curves, from the step on that a run goes on from.

    A context manager: TensorBoard's writer keeps a file and a thread.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.log = folder / LOG
        if self.log.exists():  # what an interrupted run did after its last save is done again
            lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = (line for line in lines if line.endswith("\n"))
            kept = [line for line in whole if json.loads(line)["step"] <= step]
            self.log.write_text("".join(kept), encoding="utf-8")
        self.curves = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.curves.close()

    def report(self, step: int, figures: Mapping[str, float]) -> None:
        """Add one line and one point to each curve."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        for name, value in figures.items():
            self.curves.add_scalar(name, value, step)
        self.curves.flush()
