"""Which images of a BIDS data set are enhanced: pybids finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medddim.errors import EnvironmentProblem, RequestProblem, UnreadableScan
from medddim.integrations.bids.dataset import DESCRIPTION

Filters = dict[str, dict[str, Any]]
"""Entities and their values, by a name of one's own, as in the filter file of fMRIPrep."""

ANATOMICAL = ("T1w", "T2w", "PDw", "FLAIR", "T2starw", "inplaneT1", "inplaneT2", "UNIT1")
DEFAULT: Filters = {
    "anat": {"datatype": "anat", "suffix": list(ANATOMICAL)},
    "dwi": {"datatype": "dwi", "suffix": "dwi"},
    "func": {"datatype": "func", "suffix": "bold"},
}
IMAGES = ["nii", "nii.gz"]
MAGNITUDE = ("", "mag")
NO_DATA_SET = (
    "{}: expected a BIDS data set, whose dataset_description.json names it and its BIDSVersion; "
    "for a folder of scans use `medddim enhance`"
)


@dataclass(frozen=True)
class Choice:
    """What is asked for: labels of participants and sessions without their prefix, and filters.

    No labels stand for all. `validate` leaves out files whose names BIDS does not know.
    """

    participants: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    filters: Filters | None = None
    validate: bool = True


def read_filters(path: Path) -> Filters:
    """The filter file: JSON, entities by name; null is for images without the entity.

    Raises RequestProblem.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise RequestProblem(f"{path}: expected a JSON file of BIDS filters: {problem}") from None
    if not isinstance(said, dict) or not all(isinstance(one, dict) for one in said.values()):
        raise RequestProblem(
            f'{path}: expected filters such as {{"t1w": {{"datatype": "anat", "suffix": "T1w"}}}}'
        )
    return said


def layout_of(root: Path, choice: Choice) -> Any:
    """The pybids layout of the raw data set at `root`.

    Raises UnreadableScan if it is no BIDS data set, EnvironmentProblem without pybids.
    """
    try:
        from bids import BIDSLayout
        from bids.exceptions import PyBIDSError
    except ImportError:
        raise EnvironmentProblem("pybids is not installed; pip install 'medddim[bids]'") from None
    try:
        return BIDSLayout(root, validate=choice.validate, derivatives=False)
    except (PyBIDSError, ValueError):
        raise UnreadableScan(NO_DATA_SET.format(root)) from None


def require_described(root: Path) -> None:
    """Raise UnreadableScan for a folder that does not say that it is a BIDS data set."""
    if not (root / DESCRIPTION).is_file():
        raise UnreadableScan(NO_DATA_SET.format(root))


def images(layout: Any, choice: Choice) -> list[Any]:
    """The magnitude images chosen, as pybids files, sorted by path, each once.

    Raises RequestProblem for a label that is not there, and for an entity pybids does not know.
    """
    narrowed: dict[str, Any] = {}
    for entity, asked in {"subject": choice.participants, "session": choice.sessions}.items():
        labels = [label.removeprefix(f"{entity[:3]}-") for label in asked]
        there = layout.get(return_type="id", target=entity) if labels else []
        if lost := sorted(set(labels) - set(there)):
            raise RequestProblem(
                f"expected a {entity} of this data set ({', '.join(there) or 'it has none'}), "
                f"found {', '.join(lost)}"
            )
        if labels:
            narrowed[entity] = labels
    found = {
        file.path: file
        for wanted in (choice.filters or DEFAULT).values()
        for file in _matching(layout, wanted, narrowed)
        if file.get_entities().get("part", "") in MAGNITUDE
    }
    return [found[path] for path in sorted(found)]


def _matching(layout: Any, wanted: dict[str, Any], narrowed: dict[str, Any]) -> Iterator[Any]:
    from bids.layout import Query

    values = {key: Query.NONE if value is None else value for key, value in wanted.items()}
    query: dict[str, Any] = {"extension": IMAGES, "scope": "raw"} | values
    for entity, labels in narrowed.items():
        of_filter = query.get(entity, labels)
        listed = of_filter if isinstance(of_filter, list) else [of_filter]
        query[entity] = [label for label in labels if label in listed]
        if not query[entity]:
            return
    try:
        yield from layout.get(**query)
    except ValueError as problem:  # pybids names the entity and its nearest neighbours
        raise RequestProblem(f"a BIDS filter: {str(problem).splitlines()[0]}") from None
