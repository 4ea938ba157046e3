"""What is sent, and that no answer to it is lost."""

import threading
import time

import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import MRImageStorage

from medddim.errors import RequestProblem
from medddim.integrations.pacs.sender import Node, Web, destination_of, keep_answers
from tests import studies
from tests.integrations.pacs.conftest import HERE, SUCCESS, serving

LATE_S = 0.2


class Late(threading.Event):
    """Lets go of those who wait some time after it is set, as a busy machine does."""

    def wait(self, timeout=None):
        known = super().wait(timeout)
        time.sleep(LATE_S)
        return known


def test_an_answer_is_there_for_who_waits_for_it(queue, tmp_path, monkeypatch):
    node = AE("SCANNER")
    node.dimse_timeout = 10 * LATE_S
    node.add_requested_context(MRImageStorage)
    (file, *_) = sorted(studies.dicom(tmp_path).iterdir())
    with serving(queue) as port:
        association = node.associate(HERE, port, ae_title="MEDDDIM")
        association._reactor_checkpoint = late = Late()
        late.set()
        time.sleep(LATE_S / 10)  # its reactor is in the middle of letting go
        send = association.dimse.send_msg
        monkeypatch.setattr(
            association.dimse, "send_msg", lambda *what: (send(*what), time.sleep(2 * LATE_S))
        )
        keep_answers(association)
        assert association.send_c_store(dcmread(file)).get("Status") == SUCCESS
        association.release()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ARCHIVE@10.0.0.5:104", Node("ARCHIVE", "10.0.0.5", 104)),
        ("MY PACS@pacs.local:11112", Node("MY PACS", "pacs.local", 11112)),
        ("https://archive/dicom-web/", Web("https://archive/dicom-web")),
    ],
)
def test_where_to(text, expected):
    assert destination_of(text) == expected


@pytest.mark.daily(2)
@pytest.mark.parametrize(
    "text",
    ["ARCHIVE", "ARCHIVE@host", "A" * 17 + "@host:104", "A\\B@host:104",
     "https://me:secret@archive/", "https://archive/?token=secret"],
)  # fmt: skip
def test_where_nothing_can_be_sent_to(text):
    with pytest.raises(RequestProblem) as refusal:
        destination_of(text)
    assert "secret" not in str(refusal.value)
