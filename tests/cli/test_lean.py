"""MONAI is imported without what no network needs, and nobody else misses it."""

import subprocess
import sys
import threading

import pytest

from medddim.cli import lean

CODE = """
import sys
from medddim.cli.lean import load_networks
load_networks()
assert not {"matplotlib", "pandas", "scipy", "skimage", "sklearn"} & set(sys.modules)
assert not {"monai.bundle", "monai.engines", "monai.losses"} & set(sys.modules)
import monai.losses  # as ever, too
assert monai.losses.DiceLoss
import scipy.ndimage, pandas  # as ever, afterwards
from medddim.networks import UNet
print(sum(p.numel() for p in UNet(widths=(4, 4, 4)).parameters()))
"""


@pytest.mark.slow
def test_networks_are_built_without_the_packages_that_monai_counts_as_optional():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
    assert done.stderr == ""


def test_only_the_thread_that_imports_monai_finds_nothing():
    hidden = lean._Hidden(threading.get_ident())
    with pytest.raises(ModuleNotFoundError, match=r"scipy\.ndimage"):
        hidden.find_spec("scipy.ndimage", None)
    assert hidden.find_spec("torch", None) is None
    found = []
    other = threading.Thread(target=lambda: found.append(hidden.find_spec("scipy", None)))
    other.start()
    other.join()
    assert found == [None]
