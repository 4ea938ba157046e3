"""Source and results go into an archive and come back, pixel for pixel, by DIMSE and DICOMweb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, Association, evt
from pynetdicom.sop_class import (
    MRImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)

from tests.pacs.conftest import AET, HERE, Server

pytestmark = pytest.mark.pacs

SUCCESS, PENDING = 0x0000, 0xFF00


@contextmanager
def associated(server: Server, *classes: str) -> Iterator[Association]:
    ours = AE(AET)
    for sop_class in classes:
        ours.add_requested_context(sop_class)
    association = ours.associate(HERE, server.port, ae_title="ORTHANC")
    assert association.is_established
    yield association
    association.release()


def store(server: Server, files: list[Path]) -> list[int]:
    with associated(server, MRImageStorage) as association:
        return [association.send_c_store(file).Status for file in files]


@pytest.fixture(scope="module")
def stored(orthanc: Server, results: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """The same files, once they are in the archive."""
    for files in results.values():
        assert set(store(orthanc, files)) == {SUCCESS}
    return results


def series_of(images: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Description and number of images of each series."""
    found: dict[str, tuple[str, int]] = {}
    for image in images.values():
        _, count = found.get(image.SeriesInstanceUID, ("", 0))
        found[str(image.SeriesInstanceUID)] = (image.SeriesDescription, count + 1)
    return found


def same(image: Dataset, sent: Dataset) -> bool:
    kept = ("ImagePositionPatient", "DerivationDescription", "SeriesInstanceUID", "PatientID")
    pixels = image.pixel_array.tobytes() == sent.pixel_array.tobytes()
    return pixels and all(image.get(key) == sent.get(key) for key in kept)


def test_storing_twice_leaves_the_archive_as_it_was(
    orthanc: Server, stored: dict[str, list[Path]], images: dict[str, Any]
) -> None:
    assert orthanc.instances() == len(images) == sum(map(len, stored.values()))
    for files in stored.values():
        assert set(store(orthanc, files)) == {SUCCESS}
    assert orthanc.instances() == len(images)


def test_results_are_found_beside_their_source(
    orthanc: Server, stored: dict[str, list[Path]], images: dict[str, Any]
) -> None:
    query = Dataset()
    query.QueryRetrieveLevel = "SERIES"
    query.StudyInstanceUID = next(iter(images.values())).StudyInstanceUID
    query.SeriesInstanceUID = query.SeriesDescription = query.Modality = ""
    query.NumberOfSeriesRelatedInstances = None
    model = StudyRootQueryRetrieveInformationModelFind
    with associated(orthanc, model) as association:
        answers = list(association.send_c_find(query, model))
    found = {
        str(answer.SeriesInstanceUID): (
            answer.SeriesDescription,
            int(answer.NumberOfSeriesRelatedInstances),
        )
        for status, answer in answers
        if status.Status == PENDING
    }
    assert found == series_of(images)
    assert len(found) == len(stored) == 3


def test_what_is_moved_back_is_what_was_sent(
    orthanc: Server, stored: dict[str, list[Path]], images: dict[str, Any]
) -> None:
    received: list[Dataset] = []

    def take(event: Any) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        received.append(dataset)
        return SUCCESS

    ours = AE(AET)
    ours.supported_contexts = AllStoragePresentationContexts
    server = ours.start_server(
        (HERE, orthanc.our_port), block=False, evt_handlers=[(evt.EVT_C_STORE, take)]
    )
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = next(iter(images.values())).StudyInstanceUID
    model = StudyRootQueryRetrieveInformationModelMove
    try:
        with associated(orthanc, model) as association:
            statuses = [status.Status for status, _ in association.send_c_move(query, AET, model)]
    finally:
        server.shutdown()
    assert statuses[-1] == SUCCESS
    assert {str(image.SOPInstanceUID) for image in received} == set(images)
    assert all(same(image, images[image.SOPInstanceUID]) for image in received)


def test_dicomweb_brings_back_what_was_sent(
    orthanc: Server, stored: dict[str, list[Path]], images: dict[str, Any]
) -> None:
    client = DICOMwebClient(f"{orthanc.http}/dicom-web")
    study = next(iter(images.values())).StudyInstanceUID
    for series, (_, count) in series_of(images).items():
        retrieved = client.retrieve_series(study, series)
        assert len(retrieved) == count
        assert all(same(image, images[image.SOPInstanceUID]) for image in retrieved)
        one = retrieved[0].SOPInstanceUID
        (frame,) = client.retrieve_instance_frames(
            study, series, one, [1], media_types=("application/octet-stream",)
        )
        assert frame == images[one].PixelData


def test_dicomweb_takes_a_result_once(
    orthanc: Server, stored: dict[str, list[Path]], images: dict[str, Any]
) -> None:
    client = DICOMwebClient(f"{orthanc.http}/dicom-web")
    datasets = [pydicom.dcmread(file) for file in stored["finer"]]
    client.store_instances(datasets)  # refused one by one: they are there already
    assert orthanc.instances() == len(images)
    for dataset in datasets:
        orthanc.forget(dataset.SOPInstanceUID)
    assert orthanc.instances() == len(images) - len(datasets)
    answer = client.store_instances(datasets)
    assert len(answer.ReferencedSOPSequence) == len(datasets)
    assert orthanc.instances() == len(images)
    study, series = datasets[0].StudyInstanceUID, datasets[0].SeriesInstanceUID
    retrieved = client.retrieve_series(study, series)
    assert len(retrieved) == len(datasets)
    assert all(same(image, images[image.SOPInstanceUID]) for image in retrieved)
