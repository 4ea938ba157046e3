"""MONAI without the packages that no network needs, for a command that must begin at once.

Importing any part of MONAI imports all of it, and with it pandas, matplotlib, scikit-learn and
SciPy's statistics: three times as long as MONAI itself takes. It counts them as optional.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

OPTIONAL = (
    "IPython", "cupy", "h5py", "ignite", "itk", "matplotlib", "nibabel", "pandas", "pydicom",
    "scipy", "skimage", "sklearn", "tensorboard", "torchvision",
)  # fmt: skip
"""What MONAI does without, by its own account (`monai.utils.optional_import`)."""
PARTS = (
    "auto3dseg", "bundle", "engines", "fl", "handlers", "losses", "metrics", "optimizers",
    "visualize",
)  # fmt: skip
"""Of MONAI itself, that no network needs; it passes over parts that lack what they need."""


def load_networks() -> None:
    """Import medddim's networks, and MONAI as if `OPTIONAL` and `PARTS` were not installed.

    For processes of our own, the commands that enhance: in them, what MONAI offers on top of these
    packages (its readers of images, say) is missing until they end. Other imports are as ever, and
    `PARTS` are there for those who import them.
    """
    if "monai" in sys.modules:
        return
    import torch  # noqa: F401  # sees all of them

    hidden = _Hidden(threading.get_ident())
    sys.meta_path.insert(0, hidden)
    try:
        import medddim.networks  # noqa: F401  # for those who come later
    finally:
        sys.meta_path.remove(hidden)


class _Hidden(MetaPathFinder):
    """Finds none of `OPTIONAL` where MONAI is imported; other threads find what they look for."""

    def __init__(self, thread: int) -> None:
        self.thread = thread

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        """None, for the next finder. Raises ModuleNotFoundError for what is hidden."""
        if threading.get_ident() != self.thread:
            return None
        package, _, part = name.partition(".")
        if package in OPTIONAL:
            raise ModuleNotFoundError(f"{name} is hidden from MONAI", name=name)
        if package == "monai" and part in PARTS:
            skipping = sys.modules["monai.utils.module"].OptionalImportError  # it asks by that
            raise skipping(f"{name} is not needed")
        return None
