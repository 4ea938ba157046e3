"""Rules that choose series by their header: `Modality=MR and SeriesDescription~T2`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydicom.datadict import keyword_dict, tag_for_keyword

from medddim.errors import RequestProblem, did_you_mean

GRAMMAR = """\
a rule is one condition, or several joined by `and`:
  ATTRIBUTE=VALUE    is VALUE, or one of its values is
  ATTRIBUTE!=VALUE   is not, or is absent
  ATTRIBUTE~PATTERN  contains the regular expression, in upper or lower case
ATTRIBUTE is a DICOM keyword such as Modality, SeriesDescription or EchoTime (for a NIfTI file, that
key of its JSON sidecar), or one of name, modality, format. A VALUE with blanks stands in quotes."""

FACTS = ("name", "modality", "format")
"""What is known of every series, whatever its format."""

CONDITION = re.compile(r"""\s*(\w+)\s*(!=|=|~)\s*("[^"]*"|'[^']*'|[^\s"']+)""")
AND = re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Condition:
    """One comparison of an attribute with a value."""

    attribute: str
    operator: str
    value: str

    def holds(self, values: Sequence[str]) -> bool:
        """Whether it is true of an attribute with these values, none if it is absent."""
        if self.operator == "~":
            return any(re.search(self.value, value, re.IGNORECASE) for value in values)
        found = any(_equal(self.value, value) for value in values)
        return found if self.operator == "=" else not found


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold; without any, every series is chosen."""

    conditions: tuple[Condition, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Rule:
        """The rule in `text`. Raises RequestProblem, with the grammar, if it is none."""
        conditions, rest = [], text.strip()
        while rest:
            match = CONDITION.match(rest)
            if match is None:
                raise RequestProblem(f"expected a condition at {rest!r}\n{GRAMMAR}")
            conditions.append(_condition(*match.groups()))
            rest = rest[match.end() :]
            joint = AND.match(rest)
            if rest.strip() and (joint is None or not rest[joint.end() :].strip()):
                raise RequestProblem(f"expected `and` and another condition at {rest!r}\n{GRAMMAR}")
            rest = rest[joint.end() :] if joint else ""
        return cls(tuple(conditions))

    @property
    def attributes(self) -> set[str]:
        """Those the rule asks for."""
        return {condition.attribute for condition in self.conditions}

    def holds(self, attributes: Mapping[str, Sequence[str]]) -> bool:
        """Whether a series with these attributes is chosen."""
        return all(one.holds(attributes.get(one.attribute, ())) for one in self.conditions)


def _condition(attribute: str, operator: str, value: str) -> Condition:
    if attribute not in FACTS and tag_for_keyword(attribute) is None:
        hint = did_you_mean(attribute, [*FACTS, *keyword_dict])
        raise RequestProblem(f"{attribute} is no DICOM keyword{hint}\n{GRAMMAR}")
    if value[0] in "\"'":
        value = value[1:-1]
    if operator == "~":
        try:
            re.compile(value)
        except re.error as problem:
            raise RequestProblem(
                f"{value!r} is no regular expression: {problem}\n{GRAMMAR}"
            ) from None
    return Condition(attribute, operator, value)


def _equal(one: str, other: str) -> bool:
    """As text, or as numbers: 80 is 80.0."""
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False
