"""What memory this process holds, and what the machine can still give it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil

CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)
"""The limit and the use of a container, as cgroup version 2 and 1 state them."""

STATUS = Path("/proc/self/status")

MAPPED = 8 * 2**20
"""Bytes from which memory is the system's again as soon as it is freed."""
M_MMAP_THRESHOLD = -3
"""The option of glibc's `mallopt`, of that name in malloc.h."""


def held() -> int:
    """Bytes of this process that lie in memory."""
    return int(psutil.Process().memory_info().rss)


def peak() -> int:
    """The most bytes of this process that have lain in memory at once."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if STATUS.is_file():  # Linux: ru_maxrss is that of the parent where that was larger
        return 1024 * int(STATUS.read_text("ascii").split("VmHWM:")[1].split()[0])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def return_what_is_freed() -> None:
    """Have large arrays return to the system when they are freed, where it is glibc that decides.

    It keeps what is freed below 32 MiB otherwise: seen to be 0.2 GB, of slabs of a CT scan.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED)


def available() -> int:
    """Bytes that this process can still get without swapping: of the machine, container and limit.

    The limit is that of the address space (`ulimit -v`), as job schedulers set it.
    """
    return max(min([int(psutil.virtual_memory().available), *_container(), *_address_space()]), 0)


def limited() -> bool:
    """Whether the address space of this process has a limit."""
    return bool(_address_space())


def _container() -> list[int]:
    for limit, used in CGROUPS:
        try:
            return [int(Path(limit).read_text("ascii")) - int(Path(used).read_text("ascii"))]
        except (OSError, ValueError):  # there is none, or its limit is "max"
            continue
    return []


def _address_space() -> list[int]:
    if sys.platform == "win32":
        return []
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return []
    return [limit - int(psutil.Process().memory_info().vms)]


def is_short(problem: BaseException) -> bool:
    """Whether memory ran out: numpy, the CPU and each kind of device say so in their own words."""
    words = ("out of memory", "allocate memory", "bad_alloc", "not enough memory")
    return isinstance(problem, MemoryError) or any(one in str(problem).lower() for one in words)
