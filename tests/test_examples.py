"""The examples for workflow engines, run by the engines; skipped where one is not installed."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from medddim.cli import main
from medddim.cli.enhance import enhance
from tests import studies

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "pipelines"
BESIDE = Path(sys.executable).parent
ENGINES = {
    "snakemake": ("Snakefile", ["-s", "{example}", "--cores", "1", "--config"], "{key}={value}"),
    "nextflow": ("enhance.nf", ["run", "{example}", "-ansi-log", "false"], "--{key}={value}"),
}


@pytest.mark.parametrize("name", ["Snakefile", "enhance.nf", "slicer-medddim"])
def test_their_options_are_those_of_the_command(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    lines = re.sub(r"\\\n|\"\n\s+\"", " ", text).splitlines()
    (line,) = (one for one in lines if re.search(r"medddim.*enhance.*\{|\" enhance ", one))
    known = {flag for option in enhance.params for flag in option.opts}
    assert set(re.findall(r"\s(--?[a-z][a-z-]*)", line.split("enhance", 1)[1])) <= known


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `medddim` is this one."""
    program = tmp_path / "bin" / "medddim"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = {sys.path!r}\n"
        "from medddim.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    return os.pathsep.join([str(program.parent), str(BESIDE), os.environ["PATH"]])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_enhances_what_can_be_and_says_what_not(
    engine: str, path: str, tmp_path: Path
) -> None:
    program = shutil.which(engine, path=path)
    if program is None:
        pytest.skip(f"{engine} is not installed")
    model = studies.model(tmp_path / "model")
    raw, out = tmp_path / "raw", tmp_path / "out"
    studies.study(raw / "sub-01")
    studies.truncated(raw / "sub-02")
    studies.nifti(raw / "sub-02", "good", seed=1)
    example, options, setting = ENGINES[engine]
    scans = raw if engine == "snakemake" else f"{raw}/*"
    asked = {"scans": scans, "out": out, "model": model}
    command = [
        program,
        *(part.format(example=EXAMPLES / example) for part in options),
        *(setting.format(key=key, value=value) for key, value in asked.items()),
    ]
    work = tmp_path / "work"
    work.mkdir()
    environment = os.environ | {"PATH": path, "HOME": str(work), "NXF_OFFLINE": "true"}
    run = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert (out / "sub-01" / "series").is_dir()
    assert not (out / "sub-02" / "cut.nii.gz").exists()
    alone = ["enhance", str(raw / "sub-02" / "good.nii.gz"), "-o", str(tmp_path / "alone")]
    assert CliRunner().invoke(main, [*alone, "--model", str(model)]).exit_code == 0
    theirs, ours = (
        nib.load(path / "good.nii.gz").get_fdata() for path in (out / "sub-02", tmp_path / "alone")
    )
    np.testing.assert_array_equal(theirs, ours)
    if engine == "snakemake":
        assert (out / "refused.txt").read_text().startswith("sub-02/cut: ")


@pytest.mark.slow
# the LocalCluster of dask-jobqueue leaves the pipes of its jobs open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_queue_starts_the_workers(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With jobs that are processes of this machine, as dask-jobqueue tests itself."""
    local = pytest.importorskip("dask_jobqueue.local")
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / "queue.py")
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    study, out = studies.study(tmp_path / "study"), tmp_path / "out"
    model = studies.model(tmp_path / "model")
    arguments = [str(study), "-o", str(out), "--model", str(model), "--force"]
    with local.LocalCluster(
        processes=1,
        cores=3,
        memory="2GB",
        worker_extra_args=["--no-nanny"],
        scheduler_options={"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"},
    ) as cluster:
        cluster.scale(jobs=1)
        cluster.wait_for_workers(1)
        assert example.enhance(cluster, arguments) == 0
    assert "head.nii.gz" in studies.contents(out)
