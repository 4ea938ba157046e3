"""Every file below a folder, whatever it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def files_at(root: Path) -> Iterator[Path]:
    """`root` itself, or all files below it but hidden ones, each folder once, linked ones too.

    Of a folder that is there by its name and by links the files are those by its name. A link to
    nothing (an annexed file that was never fetched) counts as a file, and so does a folder that may
    not be listed: reading it fails, and says so. Pipes and devices, which would never end, do not.
    """
    if root.is_file():
        yield root
        return
    walked, links = set(), [root]
    closed: list[OSError] = []
    for link in links:  # which grow on the way
        for folder, folders, names in os.walk(link, onerror=closed.append):
            where = os.path.realpath(folder)
            if where in walked:
                folders.clear()
                continue
            walked.add(where)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            below = [Path(folder) / name for name in folders]
            links += [path for path in below if path.is_symlink()]
            for path in (Path(folder) / name for name in names if not name.startswith(".")):
                if path.is_file() or (path.is_symlink() and not path.exists()):
                    yield path
    yield from (path for path in (Path(error.filename) for error in closed) if path.is_dir())
