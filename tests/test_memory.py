"""What memory there is, and what of it is taken."""

import subprocess
import sys

import numpy as np
import pytest

from medddim import memory

LIMITED = """
import resource
from medddim import memory
free = memory.available()
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
print(min(free, 2**30) > memory.available() > 0)
"""


def test_what_is_taken_is_held_and_stays_the_peak():
    before = memory.held()
    taken = np.ones(30_000_000)  # 240 MB, all of it written
    assert memory.held() >= before + 0.9 * taken.nbytes
    del taken
    assert memory.peak() >= before + 200_000_000
    assert memory.available() > 2**20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of the address space")
def test_the_limit_of_a_scheduler_counts():
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    limit, used = tmp_path / "limit", tmp_path / "used"
    limit.write_text("3000000\n")
    used.write_text("1000000\n")
    monkeypatch.setattr(memory, "CGROUPS", ((tmp_path / "none", used), (limit, used)))
    assert memory.available() == 2_000_000
    limit.write_text("max\n")
    assert memory.available() > 2_000_000
