"""The sending side: results to another DICOM node or, by DICOMweb, to an archive."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medddim.errors import EnvironmentProblem, RequestProblem
from medddim.formats.atomic import new_file
from medddim.formats.dicom.identify import as_file, identify, load
from medddim.formats.guard import quiet
from medddim.integrations.pacs.queue import stand_in

TOKEN = "MEDDDIM_DICOMWEB_TOKEN"  # noqa: S105  # the name of an environment variable
USER, PASSWORD = "MEDDDIM_DICOMWEB_USER", "MEDDDIM_DICOMWEB_PASSWORD"
"""Names of environment variables."""
WARNINGS = range(0xB000, 0xC000)
"""Status codes of C-STORE that mean: taken, with a remark (DICOM PS3.4, table B.2-1)."""

Taken = Callable[[Path], None]
"""Called with each file that the other side has taken."""


@dataclass(frozen=True)
class Node:
    """A DICOM node: TITLE@HOST:PORT."""

    title: str
    host: str
    port: int

    def send(self, files: Sequence[Path], *, calling: str, taken: Taken) -> None:
        """Send files by C-STORE. Raises EnvironmentProblem if one is not taken."""
        from pynetdicom import AE
        from pynetdicom.presentation import build_context

        ours = AE(calling)
        ours.acse_timeout = ours.dimse_timeout = ours.network_timeout = 60
        with quiet():
            objects = {file: load(file) for file in files}
            kinds = {
                (str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID))
                for one in objects.values()
            }
            ours.requested_contexts = [build_context(*kind) for kind in sorted(kinds)]
            association = ours.associate(self.host, self.port, ae_title=self.title)
            if not association.is_established:
                raise EnvironmentProblem(
                    f"{self}: no association; is it there, and does it know {calling}?"
                )
            keep_answers(association)
            try:
                for file, dataset in objects.items():
                    status = association.send_c_store(dataset)
                    code = status.get("Status")
                    if code != 0 and code not in WARNINGS:
                        said = "nothing" if code is None else f"status {code:#06x}"
                        raise EnvironmentProblem(f"{self}: an image was not taken: {said}")
                    taken(file)
            finally:
                association.release()

    def __str__(self) -> str:
        return f"{self.title}@{self.host}:{self.port}"


def keep_answers(association: Any) -> None:
    """Leave the answers of the other side to whoever waits for them.

    pynetdicom (3.0.4) has a thread of its own look for messages, and pauses it before it sends; one
    that is late in pausing takes the answer and drops it, and the sender waits for nothing.
    """
    get = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: get(block) if block else (None, None)


@dataclass(frozen=True)
class Web:
    """A DICOMweb service at a URL, without credentials in it: those come from the environment."""

    url: str

    def send(self, files: Sequence[Path], *, calling: str, taken: Taken) -> None:
        """Send files by STOW-RS, one request each. Raises EnvironmentProblem."""
        client = self._client()
        for file in files:
            image = load(file)
            answer = self._ask(partial(client.store_instances, [image]))
            if answer.get("FailedSOPSequence") and not self._holds(client, image):
                raise EnvironmentProblem(f"{self}: an image was not taken")
            taken(file)

    def _holds(self, client: Any, image: Any) -> bool:
        """Whether an image that was refused was so because it is there already."""
        wanted = {"SOPInstanceUID": str(image.SOPInstanceUID)}
        return bool(self._ask(partial(client.search_for_instances, search_filters=wanted)))

    def fetch(self, study: str, destination: Path) -> list[Path]:
        """Write the images of a study below `destination`; return the new files.

        An image that is there is left so. Raises EnvironmentProblem.
        """
        client = self._client()
        images = self._ask(partial(client.retrieve_study, study))
        files = []
        for image in images:
            series = stand_in(str(image.SeriesInstanceUID))
            path = destination / series / f"{stand_in(str(image.SOPInstanceUID))}.dcm"
            if not path.exists():
                with quiet():
                    content = as_file(image)
                with new_file(path) as stream:
                    stream.write(content)
                files.append(path)
        return files

    def _client(self) -> Any:
        try:
            from dicomweb_client.api import DICOMwebClient
            from requests import Session
        except ImportError:
            raise EnvironmentProblem(
                "dicomweb-client is not installed; pip install 'medddim[pacs]'"
            ) from None
        session = Session()
        if token := os.environ.get(TOKEN):
            session.headers["Authorization"] = f"Bearer {token}"
        elif USER in os.environ:
            session.auth = (os.environ[USER], os.environ.get(PASSWORD, ""))
        return DICOMwebClient(self.url, session=session)

    def _ask(self, request: Callable[[], Any]) -> Any:
        from requests import RequestException

        try:
            with quiet():
                return request()
        except (RequestException, ValueError) as problem:
            answer = getattr(problem, "response", None)
            said = f"status {answer.status_code}" if answer is not None else type(problem).__name__
            raise EnvironmentProblem(f"{self}: it did not answer as DICOMweb: {said}") from None

    def __str__(self) -> str:
        return self.url


def destination_of(text: str) -> Node | Web:
    """TITLE@HOST:PORT as a node, an http or https URL as DICOMweb. Raises RequestProblem."""
    if text.startswith(("http://", "https://")):
        place = urlsplit(text)
        if place.username or place.password or place.query:
            raise RequestProblem(
                "a URL on the command line must hold no credentials, all on this machine can read "
                f"it; set {TOKEN}, or {USER} and {PASSWORD}, in the environment"
            )
        return Web(text.rstrip("/"))
    match = re.fullmatch(r"([\x20-\x7e]{1,16})@([A-Za-z0-9.-]+):(\d{1,5})", text)
    if not match or "\\" in match[1]:
        raise RequestProblem(f"expected TITLE@HOST:PORT or a DICOMweb URL, found {text!r}")
    return Node(match[1], match[2], int(match[3]))


def images_below(paths: Sequence[Path]) -> list[Path]:
    """The DICOM files at or below these paths, sorted, each checked for its identifiers."""
    files = sorted({file for path in paths for file in _files(path)})
    for file in files:
        identify(file)
    return files


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in path.rglob("*.dcm") if one.is_file()]
