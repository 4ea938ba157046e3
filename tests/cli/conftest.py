"""A user: types a command, sees two streams and an exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from medddim.cli import main
from tests import studies


@pytest.fixture
def medddim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `medddim ARGUMENTS` in tmp_path; no traceback ever, whatever happens."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert "Traceback" not in result.output
        assert studies.CANARY not in result.output
        return result

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """`study/`: a NIfTI file, a DICOM series, and a file that is no scan."""
    return studies.study(tmp_path / "study")


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder."""
    return studies.model(tmp_path_factory.mktemp("model"))
