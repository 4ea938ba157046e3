"""A run opens no socket unless workers are asked for."""

import sys

from click.testing import CliRunner

from medddim import cli
from tests import studies

watched: list[str] | None = None


def _hook(event, arguments):
    if watched is not None and event.startswith("socket."):
        watched.append(event)


sys.addaudithook(_hook)  # Python offers no way to take it back


def test_a_run_without_workers_opens_no_socket(tmp_path):
    global watched
    studies.study(tmp_path / "in")
    model = studies.model(tmp_path / "model")
    command = ["enhance", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--model", str(model)]
    watched = []
    try:
        done = CliRunner().invoke(cli.main, [*command, "--precision", "fp32", "--force"])
        assert done.exit_code == 0
        assert watched == []
        __import__("socket").socket().close()
        assert watched  # the hook does see one
    finally:
        watched = None
