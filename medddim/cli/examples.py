"""What the help of a verb shows below it: examples, and the verbs of a group."""

from __future__ import annotations

import click


def examples(*lines: str) -> str:
    """An epilog of click that shows each line as it is typed."""
    return "\b\n" + "\n".join(["Examples:", *(f"  medddim {line}" for line in lines)])


class Group(click.Group):
    """A group whose help lists its commands in the order of use, each by its whole first sentence.

    click sorts them by name, and cuts the sentence where the line ends.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which they were added."""
        return list(self.commands)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list."""
        whole = 1000  # letters
        rows = [(name, one.get_short_help_str(whole)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
