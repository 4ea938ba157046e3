"""The provenance beside the manifest, read by the reference library."""

import json

import pytest
from click.testing import CliRunner
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvAssociation,
    ProvDerivation,
    ProvDocument,
    ProvGeneration,
    ProvMembership,
    ProvUsage,
)

from medddim.cli import main
from medddim.digest import sha256_of
from medddim.record import Outcome
from medddim.record.prov import prov_document
from tests import studies


def read(said):
    return ProvDocument.deserialize(content=json.dumps(said), format="json")


def local(record, attribute):
    (value,) = record.get_attribute(attribute)
    return value.localpart


@pytest.fixture
def made(tmp_path):
    """The provenance of a run over a NIfTI file and a DICOM series."""
    study, model = studies.study(tmp_path / "study"), studies.model(tmp_path / "model")
    asked = ["enhance", str(study), "-o", str(tmp_path / "out"), "--model", str(model)]
    assert CliRunner().invoke(main, [*asked, "--seed", "5"]).exit_code == 0
    text = (tmp_path / "out" / "medddim.prov.json").read_text()
    assert studies.CANARY not in text
    return json.loads(text)


def test_who_made_what_of_what_with_what(made, tmp_path):
    document = read(made)
    files = {path: sha256_of(tmp_path / path) for path in ("out/head.nii.gz", "study/head.nii.gz")}
    result, scan = files.values()
    derived = {
        local(one, "prov:generatedEntity"): local(one, "prov:usedEntity")
        for one in document.get_records(ProvDerivation)
    }
    assert derived[result] == scan
    (generation,) = [
        one for one in document.get_records(ProvGeneration) if local(one, "prov:entity") == result
    ]
    run = local(generation, "prov:activity")
    weights = sha256_of(tmp_path / "model" / "weights.safetensors")
    used = [one for one in document.get_records(ProvUsage) if local(one, "prov:activity") == run]
    assert {local(one, "prov:entity") for one in used} == {scan, weights}
    runs = {one.identifier.localpart: one for one in document.get_records(ProvActivity)}
    said = {name.localpart: value for name, value in runs[run].attributes}
    assert said["seed"] == 5
    assert 0 < said["noise_level"] < 0.5
    assert {"steps", "version_torch", "device"} <= set(said)
    (agent,) = document.get_records(ProvAgent)
    assert agent.label.startswith("medddim ")
    assert len(list(document.get_records(ProvAssociation))) == 2
    series = list(document.get_records(ProvMembership))
    assert len(series) == 4
    assert {local(one, "prov:collection") for one in series} <= set(derived.values())


def test_a_second_run_keeps_what_the_first_made(made, tmp_path):
    studies.nifti(tmp_path / "study", "other", seed=1)
    asked = ["enhance", str(tmp_path / "study"), "-o", str(tmp_path / "out")]
    model = ["--model", str(tmp_path / "model"), "--seed", "5"]
    assert CliRunner().invoke(main, [*asked, *model]).exit_code == 0
    both = json.loads((tmp_path / "out" / "medddim.prov.json").read_text())
    for kind in ("entity", "activity", "wasGeneratedBy"):
        assert made[kind].keys() < both[kind].keys()


def test_scans_without_a_result_are_not_in_it():
    document = read(prov_document([Outcome("a", "refused", inputs={"a.nii": "0" * 64})]))
    assert list(document.get_records()) == []


def test_the_same_content_twice_is_one_entity_of_two_paths():
    outcomes = [
        Outcome(name, "ok", inputs={f"{name}.nii": "a" * 64}, outputs={f"{name}.nii": "b" * 64})
        for name in ("one", "two")
    ]
    said = prov_document(outcomes)
    assert said["entity"][f"sha256:{'a' * 64}"]["medddim:path"] == ["one.nii", "two.nii"]
    assert len(list(read(said).get_records(ProvDerivation))) == 1


def test_what_was_found_is_said_of_the_run():
    facts = {"noise_correlation": [0.1, 0.0], "receipt": "keeps 0.9", "noise_hu": None}
    digests = {"inputs": {"a.nii": "a" * 64}, "outputs": {"b.nii": "b" * 64}}
    (run,) = read(prov_document([Outcome("a", "ok", facts=facts, **digests)])).get_records(
        ProvActivity
    )
    said = {name.localpart: value for name, value in run.attributes}
    assert json.loads(said["noise_correlation"]) == [0.1, 0.0]
    assert said["receipt"] == "keeps 0.9"
    assert "noise_hu" not in said
