"""The Boutiques descriptor of `enhance`, judged by Boutiques itself."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

BOSH = shutil.which("bosh", path=Path(sys.executable).parent)


def test_boutiques_takes_the_descriptor_and_its_command_line(medddim, tmp_path):
    result = medddim("export", "boutiques", "-o", "enhance.json")
    assert result.exit_code == 0
    path = tmp_path / "enhance.json"
    said = json.loads(path.read_text())
    known = {one["id"]: one for one in said["inputs"]}
    assert known["scans"]["list"]
    assert known["model"]["command-line-flag"] == "--model"
    assert known["steps"]["integer"]
    if BOSH is None:
        return
    valid = subprocess.run([BOSH, "validate", path], capture_output=True, text=True, check=False)
    assert valid.returncode == 0, valid.stdout + valid.stderr
    (tmp_path / "scan.nii.gz").touch()
    asked = {"scans": [str(tmp_path / "scan.nii.gz")], "output": "out", "steps": 2}
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    command = [BOSH, "exec", "simulate", path, "-i", tmp_path / "asked.json"]
    line = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"medddim enhance {asked['scans'][0]} --output out" in line.stdout
    assert "--steps 2" in line.stdout
