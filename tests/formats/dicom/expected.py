"""What is expected word for word, in text files beside the tests."""

import os
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "expected"


def compare(name: str, lines: Sequence[str]) -> None:
    """Fail unless these are the lines of `expected/name.txt`; `UPDATE_EXPECTED=1` writes them."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_EXPECTED"):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert list(lines) == path.read_text(encoding="utf-8").splitlines()
