"""The record of a run as W3C PROV-JSON, which provenance tools of other people read.

PROV-DM (W3C Recommendation 2013) names entities (files, weights), activities (what was done to one
scan) and agents (the software). PROV-JSON is its W3C member submission of 2013. Files are named by
their content, so that documents of several steps join where the result of one is the scan of the
next.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medddim.record import Outcome

PROV = "medddim.prov.json"
PREFIXES = {"medddim": "urn:medddim:", "sha256": "urn:sha256:"}
WEIGHTS = ("model", "model_sha256", "recipe_sha256")
Record = dict[str, dict[str, Any]]


def prov_document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What was made of which files, by what software, weights and settings; scans once each.

    Only scans with results are in it. Settings, what was found of the noise, and the receipt are
    attributes of the activity; lists and tables as JSON text.
    """
    document: dict[str, Record] = {
        "entity": {}, "activity": {}, "agent": {}, "used": {}, "wasGeneratedBy": {},
        "wasDerivedFrom": {}, "wasAssociatedWith": {}, "hadMember": {},
    }  # fmt: skip
    for outcome in outcomes:
        if outcome.outputs:
            _add(document, outcome)
    return {"prefix": PREFIXES, **document}


def _add(document: dict[str, Record], outcome: Outcome) -> None:
    made = json.dumps([outcome.inputs, outcome.outputs, outcome.job], sort_keys=True)
    activity = f"medddim:run-{hashlib.sha256(made.encode()).hexdigest()[:16]}"
    document["activity"][activity] = _activity(outcome)
    agent = f"medddim:software-{outcome.versions.get('medddim', '')}"
    document["agent"][agent] = _typed("prov:SoftwareAgent") | {
        "prov:label": f"medddim {outcome.versions.get('medddim', '')}"
    }
    _relate(document, "wasAssociatedWith", activity=activity, agent=agent)
    scan = _scan(document, outcome.inputs)
    results = [_file(document, digest, path) for path, digest in outcome.outputs.items()]
    if weights := _weights(document, outcome.job):
        _relate(document, "used", activity=activity, entity=weights, role="weights")
    _relate(document, "used", activity=activity, entity=scan, role="scan")
    for result in results:
        _relate(document, "wasGeneratedBy", entity=result, activity=activity)
        if result != scan:
            _relate(document, "wasDerivedFrom", generatedEntity=result, usedEntity=scan)


def _scan(document: dict[str, Record], inputs: dict[str, str]) -> str:
    """The file of a scan, or a collection of its files."""
    files = [_file(document, digest, path) for path, digest in inputs.items()]
    if len(files) == 1:
        return files[0]
    scan = f"medddim:scan-{hashlib.sha256(' '.join(sorted(files)).encode()).hexdigest()[:16]}"
    document["entity"][scan] = _typed("prov:Collection")
    for file in files:
        _relate(document, "hadMember", collection=scan, entity=file)
    return scan


def _activity(outcome: Outcome) -> dict[str, Any]:
    said = {key: value for key, value in outcome.job.items() if key not in WEIGHTS}
    said |= outcome.facts | {f"version_{name}": text for name, text in outcome.versions.items()}
    said |= {"device": outcome.device, "seconds": outcome.seconds}
    plain = {f"medddim:{key}": _plain(value) for key, value in said.items() if value is not None}
    return {"prov:label": outcome.name} | plain


def _file(document: dict[str, Record], digest: str, path: str) -> str:
    """The entity of a file. Of two files with the same content both paths are said."""
    entity = document["entity"].setdefault(f"sha256:{digest}", {"medddim:path": []})
    if path not in entity["medddim:path"]:
        entity["medddim:path"].append(path)
    return f"sha256:{digest}"


def _weights(document: dict[str, Record], job: dict[str, Any]) -> str:
    """The entity of the weights; none of a job without a model."""
    digest = job.get("model_sha256")
    if not digest:
        return ""
    document["entity"][f"sha256:{digest}"] = {
        "prov:label": str(job.get("model", "")),
        "medddim:recipe_sha256": str(job.get("recipe_sha256", "")),
    } | _typed("medddim:Weights")
    return f"sha256:{digest}"


def _relate(document: dict[str, Record], relation: str, *, role: str = "", **ends: str) -> None:
    """One relation; its name follows from its ends, so that it is there once."""
    said = {f"prov:{end}": name for end, name in ends.items()}
    name = hashlib.sha256(json.dumps([relation, said], sort_keys=True).encode()).hexdigest()[:16]
    document[relation][f"_:{name}"] = said | ({"prov:role": role} if role else {})


def _typed(name: str) -> dict[str, Any]:
    return {"prov:type": {"$": name, "type": "prov:QUALIFIED_NAME"}}


def _plain(value: Any) -> Any:
    """As PROV-JSON has literals: text, numbers and truth values as JSON has them, else text."""
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)
