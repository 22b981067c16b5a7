"""How a demo tells its story: titles, plain lines, and commands run as a person would type them."""

from pathlib import Path

import click

from generator.errors import BqnctlError, Exit


class Teller:
    """Runs command lines on one inventory and checks how each ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def title(self, text: str) -> None:
        """Begin the next part."""
        self.say(f"\n# {text}")

    def say(self, text: str) -> None:
        """One line."""
        click.echo(text)

    def run(self, *arguments: str, expect: Exit) -> None:
        """Run `bqnctl ARGUMENTS`; raises `BqnctlError` when it ends otherwise than the story expects."""
        from generator.cli.main import main  # noqa: PLC0415 - the group imports the demo

        line = ["-i", str(self.folder), *arguments]
        self.say(f"$ bqnctl {' '.join(line)}")
        code = main(line)
        if code != expect:
            raise BqnctlError(f"the demo's `bqnctl {' '.join(line)}` ended with {code}, not {int(expect)}")
