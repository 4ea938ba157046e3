"""What is received and stable is sent on, once, whatever happens in between."""

import os
import time

import numpy as np
import pydicom
import pytest

from medddim import batch, formats
from medddim.integrations.pacs.sender import Node
from tests import studies
from tests.integrations.pacs.conftest import STABLE_S, SUCCESS, listener, serving, store

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"  # pynetdicom leaves broken connections open
)


@pytest.fixture
def files(tmp_path):
    """The images of one series."""
    return sorted(studies.dicom(tmp_path / "study").iterdir())


def stand_still(queue):
    """As if nothing had come for a while."""
    for path in [*queue.root.rglob("*")]:
        os.utime(path, (time.time() - 2 * STABLE_S,) * 2)


def test_a_study_in_two_halves_comes_out_once_as_from_the_command(queue, archive, files, tmp_path):
    with serving(queue) as port:
        node = listener(queue, archive)
        assert store(port, files[:2]) == [SUCCESS] * 2
        node.work()
        assert archive.images == []  # not yet still
        assert store(port, files[2:]) == [SUCCESS] * 2
        stand_still(queue)
        node.work()
        node.work()
    assert len(archive.images) == len(files)
    scans = batch.plan([files[0].parent], tmp_path / "out")
    list(batch.run(scans, tmp_path / "out", job=batch.identity_job()))
    expected = [pydicom.dcmread(path) for path in (tmp_path / "out").rglob("*.dcm")]
    by_uid = {image.SOPInstanceUID: image for image in archive.images}
    assert set(by_uid) == {image.SOPInstanceUID for image in expected}
    for image in expected:
        np.testing.assert_array_equal(by_uid[image.SOPInstanceUID].pixel_array, image.pixel_array)
    assert [p for p in queue.root.rglob("*.dcm")] == []  # no patient is kept


def test_what_comes_again_is_not_done_again(queue, archive, files):
    with serving(queue) as port:
        for _ in range(2):
            store(port, files)
            stand_still(queue)
            listener(queue, archive).work()
    assert len(archive.images) == len(files)


def test_a_result_that_comes_round_is_dropped(queue, archive, files, tmp_path):
    result = formats.write(formats.read(files[0].parent), tmp_path / "out")
    with serving(queue) as port:
        assert set(store(port, list(result))) == {SUCCESS}
    assert list(queue.root.rglob("*.dcm")) == []


def test_a_restart_sends_what_was_not_taken(queue, archive, files):
    archive.refusing = True
    with serving(queue) as port:
        store(port, files)
    stand_still(queue)
    listener(queue, archive).work()
    assert archive.images == []
    archive.refusing = False
    again = listener(queue, archive)
    again.work()
    again.work()
    assert len(archive.images) == len(files)


def test_half_a_result_is_completed_not_repeated(queue, archive, files, monkeypatch):
    with serving(queue) as port:
        store(port, files)
    stand_still(queue)
    send, count = Node.send, iter(range(9))

    def broken(self, several, *, calling, taken):
        def once(file):
            if next(count) == 2:
                raise KeyboardInterrupt  # as a kill, between two images
            taken(file)

        send(self, several, calling=calling, taken=once)

    with monkeypatch.context() as patch:
        patch.setattr(Node, "send", broken)
        with pytest.raises(KeyboardInterrupt):
            listener(queue, archive).work()
    listener(queue, archive).work()
    sent = [image.SOPInstanceUID for image in archive.images]
    assert len(set(sent)) == len(files)
    assert len(sent) <= len(files) + 1  # the one that was taken and not yet noted


def test_only_what_is_selected(queue, archive, files):
    with serving(queue) as port:
        store(port, files)
    stand_still(queue)
    node = listener(queue, archive)
    node.select = "Modality=CT"
    node.work()
    assert archive.images == []
    assert list((queue.root / "studies").iterdir()) == []


def test_more_that_comes_meanwhile_is_waited_for(queue, archive, files, monkeypatch):
    with serving(queue) as port:
        store(port, files[:3])
        stand_still(queue)
        find = formats.find

        def find_and_receive(*paths, **more):
            found = find(*paths, **more)
            monkeypatch.undo()
            store(port, files[3:])
            return found

        monkeypatch.setattr(formats, "find", find_and_receive)
        listener(queue, archive).work()
        assert archive.images == []
        stand_still(queue)
        listener(queue, archive).work()
    assert len(archive.images) == len(files)
