"""How much disk medddim and all it needs take in this environment.

    python tools/install_size.py

Sums the files of every package that `pip install medddim` brings, without its extras; a torch built
for GPUs brings several more.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

SHOWN = 5


def main() -> None:
    """Print the sum and the largest packages."""
    sizes = {name: size_of(name) for name in needed("medddim")}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:SHOWN]
    shown = ", ".join(f"{name} {sizes[name] / 1e6:.0f}" for name in largest)
    print(f"{sum(sizes.values()) / 1e9:.2f} GB in {len(sizes)} packages; in MB: {shown}")


def needed(
    name: str, seen: set[str] | None = None, extras: frozenset[str] = frozenset()
) -> set[str]:
    """A package and all that it requires here."""
    seen = set() if seen is None else seen
    seen.add(name)
    for asked in map(Requirement, metadata.requires(name) or []):
        wanted = [{"extra": extra} for extra in extras or {""}]
        if asked.marker and not any(asked.marker.evaluate(one) for one in wanted):
            continue
        if asked.name.lower() not in seen:
            needed(asked.name.lower(), seen, frozenset(asked.extras))
    return seen


def size_of(name: str) -> int:
    """The bytes of its files."""
    return sum(_sizes(metadata.distribution(name)))


def _sizes(package: metadata.Distribution) -> Iterator[int]:
    for file in package.files or []:
        path = package.locate_file(file)
        if path.is_file():
            yield path.stat().st_size


if __name__ == "__main__":
    main()
