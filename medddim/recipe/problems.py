"""What is wrong with a recipe, in words: pydantic's problems as those who write YAML know them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

RecordOf = Callable[[list[str]], type[BaseModel]]
"""The record that a place in a recipe stands in; takes out of it what users do not write."""

WORDS = {
    "missing": "missing",
    "union_tag_invalid": "expected a kind of {expected_tags}",
    "union_tag_not_found": "expected a kind",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected {ge} or more",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected {le} or less",
    "finite_number": "expected a finite number",
    "literal_error": "expected {expected}",
    "too_short": "expected at least {min_length} of them",
    "too_long": "expected {max_length} of them",
    "string_pattern_mismatch": "expected lower-case letters, digits and hyphens, such as my-model",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "int_type": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "string_type": "expected text",
    "path_type": "expected a folder",
    "tuple_type": "expected a list such as [1, 2]",
    "model_type": "expected a section: keys and values, indented below its name",
}
"""By pydantic's type of error; what is in braces it gives with each."""


def in_words(problems: Iterable[Mapping[str, Any]], record_of: RecordOf) -> str:
    """One sentence for each problem: where, what was expected, what was found."""
    return "; ".join(_explain(problem, record_of) for problem in problems)


def _explain(problem: Mapping[str, Any], record_of: RecordOf) -> str:
    place = [str(part) for part in problem["loc"]]
    known = list(record_of(place).model_fields) if place else []
    where = ".".join(place) or "the recipe"
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {_nearest(place[-1], known)}"
    if kind == "missing":
        return f"{where}: missing"
    if kind == "value_error":  # our own words, about values already named in them
        stated = str(problem["ctx"]["error"])
    else:
        stated = WORDS.get(kind, problem["msg"]).format(**problem.get("ctx", {}))
    if isinstance(problem.get("input"), dict):  # a whole section says nothing in a line
        return f"{where}: {stated}"
    return f"{where}: {stated} (found {problem.get('input')!r})"


def _nearest(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
