"""Whoever does not use a part does not load its library."""

import subprocess
import sys

OPTIONAL = ["monai", "torch", "bids", "pynetdicom", "dicomweb_client", "onnx", "nipype"]


def test_the_package_alone_loads_no_library():
    code = f"import sys, medddim.integrations; print(*(m for m in {OPTIONAL} if m in sys.modules))"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == ""
