"""What goes on record of one scan beside what its plan says."""

from __future__ import annotations

from typing import Any

from medddim.batch.jobs import Answer
from medddim.formats import Series


def found(answer: Answer, *, known: dict[str, Any]) -> dict[str, Any]:
    """What only the answer itself could say of its making: facts that no plan has."""
    made = answer[0].derivation
    parameters = made.parameters if made else {}
    return {key: value for key, value in parameters.items() if key not in known}


def with_repairs(facts: dict[str, Any], series: Series) -> dict[str, Any]:
    """The facts of a scan whose geometry was repaired say so, as a warning too, and its notes."""
    repairs, notes = (series.facts.get(key, []) for key in ("repairs", "notes"))
    if not repairs and not notes:
        return facts
    warnings = [facts["warning"]] if "warning" in facts else []
    stated = {"repairs": repairs} if repairs else {}
    return facts | stated | {"warning": "; ".join([*warnings, *repairs, *notes])}
