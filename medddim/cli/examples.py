"""The examples below the help of a verb."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """An epilog of click that shows each line as it is typed."""
    return "\b\n" + "\n".join(["Examples:", *(f"  medddim {line}" for line in lines)])
