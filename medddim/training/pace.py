"""The length of a run that has to end in time."""

from __future__ import annotations

import time

from medddim.recipe import TrainingRecipe

LOOKED_AT = 0.1
"""After this share of the time the rate is taken, and the length of the run follows from it."""
KEPT = 0.9
"""The share of the time that is planned for."""


class Pace:
    """Fits the number of steps to the `minutes` that a run may take from now on; None for no end.

    The learning rate has to fall to 0 in time: the last half of the run is given to that. Up to
    there a run does not depend on its length, so that it may be fitted while it goes on.
    """

    def __init__(self, minutes: float | None, first: int) -> None:
        self.seconds = None if minutes is None else 60 * minutes
        self.began, self.first = time.monotonic(), first

    def fitted(self, training: TrainingRecipe, step: int) -> TrainingRecipe:
        """The recipe's training, with other lengths if `step` is the one to choose them at."""
        gone = time.monotonic() - self.began
        if self.seconds is None or gone < LOOKED_AT * self.seconds:
            return training
        left = max(KEPT * self.seconds - gone, 0)
        steps = step + max(int((step - self.first) * left / gone), 1)
        self.seconds = None  # once
        lengths = {"steps": steps, "decay": max((steps - self.first) // 2, 1)}
        every = max((steps - step) // 4, 1)
        return training.model_copy(update=lengths | {"validate_every": every})
