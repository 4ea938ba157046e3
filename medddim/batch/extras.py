"""What may be asked for beside each result, and which models have it; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medddim.errors import RequestProblem
from medddim.formats.contract import Quantity
from medddim.inference.intervals import Calibration, require_calibrated
from medddim.inference.settings import Settings
from medddim.recipe import Recipe

RECEIPT, WIDTHS = 3, 6
"""Float32 arrays of the size of an answer that are held at once, counted in the code: by a receipt
(the answer, the scan with inserts, the answer to it), and to find the widths of an interval."""


@dataclass(frozen=True)
class Extras:
    """What is asked for beside each result.

    `residual` is a map of what was changed, `invented` one of structure that the result shows and
    the scan does not hold. `receipt` measures how much of the contrast of small structures the
    answer keeps. `interval` is a coverage in per cent: maps of the lower and the upper end.
    `force` goes on where a scan is out of the range of the model.
    """

    residual: bool = False
    invented: bool = False
    receipt: bool = False
    interval: float | None = None
    force: bool = False

    def require_fitting(self, folder: Path, recipe: Recipe, settings: Settings) -> None:
        """Raise RequestProblem for what the model in `folder`, of this recipe, has not."""
        if self.receipt and recipe.task == "superresolve":
            raise RequestProblem(
                f"the model {recipe.name} makes voxels finer and keeps what was measured by "
                "construction; a receipt is for denoising"
            )
        if self.interval is not None:
            known = require_calibrated(Calibration.load(folder), recipe, settings)
            known.require_coverage(self.interval)

    @property
    def asked(self) -> bool:
        """Whether there is anything, which takes the network or the whole answer."""
        return self.receipt or any(self.maps.values())

    @property
    def beside_network(self) -> int:
        """Arrays of the size of an answer that are held while the network works for a receipt."""
        return RECEIPT + sum(self.maps.values()) if self.receipt else 0

    @property
    def after_network(self) -> int:
        """Those that are held at once, beside the answer, when the network is through."""
        return sum(self.maps.values()) + (WIDTHS if self.interval is not None else 0)

    @property
    def maps(self) -> dict[Quantity, bool]:
        """Which maps are asked for."""
        ends = self.interval is not None
        return {
            "residual": self.residual,
            "lower": ends,
            "upper": ends,
            "invented": self.invented,
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """What of this goes into the record of the result itself."""
        asked = {"receipt_asked": self.receipt or None, "interval": self.interval}
        return {key: value for key, value in asked.items() if value is not None}
