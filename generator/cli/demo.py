"""`bqnctl demo`: the whole story on loopback, told by the commands a person would type."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from generator.cli.options import common_options, current_options
from generator.demo.world import World, new_folder, running_world
from generator.errors import BqnctlError, Exit, UsageError


@click.command(name="demo", short_help="the whole story on loopback emulators")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--serve", is_flag=True, help="Only start the emulators of the demo inventory FOLDER, until Ctrl-C.")
@common_options
def command(*, folder: Path | None, serve: bool) -> Exit:
    """Play render, plan, apply and a billing change on emulators; leaves the inventory in FOLDER.

    FOLDER is bqnctl-demo by default, with a number behind it if that exists.
    """
    if current_options().inventory is not None or current_options().limit is not None:
        raise UsageError("the demo makes its own inventory: -i and -l do not go with it", fix="bqnctl demo [FOLDER]")
    if serve:
        if folder is None:
            raise UsageError("--serve needs the folder of a demo", fix="bqnctl demo --serve bqnctl-demo")
        return _serve(folder)
    made = new_folder(folder or Path("bqnctl-demo"))
    with running_world(made) as world:
        _Story(world).tell()
    return Exit.OK


def _serve(folder: Path) -> Exit:
    with running_world(folder):
        _say(f"The emulators of {folder} run until Ctrl-C. In another terminal: bqnctl -i {folder} plan")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return Exit.OK


class _Story:
    """The story, step by step; each command is run as typed, and its exit code is checked."""

    def __init__(self, world: World) -> None:
        self.world = world

    def tell(self) -> None:
        _title("The billing knows who may have what. Render it to files for git")
        self._run("render", expect=Exit.OK)
        _title("Compare the files with the two live BQNs; nothing is written")
        first = str(self.world.folder / "first.plan.json")
        self._run("plan", "--out", first, expect=Exit.OK)
        _title("Make it so: exactly the plan that was shown")
        self._run("apply", first, expect=Exit.OK)
        _title("Again: nothing to do")
        self._run("plan", "--detailed-exitcode", expect=Exit.OK)
        _title("Meanwhile, in the billing")
        for change in self._changes():
            _say(f"  * {change()}")
        _title("What changed, as a reviewer sees it")
        self._run("render", "--diff", expect=Exit.OK)
        _title("What that means for the BQNs; saved, so that exactly this is applied")
        saved = str(self.world.folder / "change.plan.json")
        self._run("plan", "--out", saved, "--detailed-exitcode", expect=Exit.PENDING)
        self._run("apply", saved, expect=Exit.OK)
        _title("And again: nothing to do")
        self._run("plan", "--detailed-exitcode", expect=Exit.OK)
        folder = self.world.folder
        _say(f"\nThe inventory is yours: {folder}. To play on, start its emulators with")
        _say(f"  bqnctl demo --serve {folder}")
        _say(f"and in another terminal: bqnctl -i {folder} plan")

    def _changes(self) -> list[Callable[[], str]]:
        billing = self.world.billing
        return [
            billing.new_customer, billing.change_plan, billing.stop_paying, billing.cancel, billing.new_tariff,
        ]  # fmt: skip

    def _run(self, *arguments: str, expect: Exit) -> None:
        from generator.cli.main import main  # noqa: PLC0415 - the group imports this module

        line = ["-i", str(self.world.folder), *arguments]
        _say(f"$ bqnctl {' '.join(line)}")
        code = main(line)
        if code != expect:
            raise BqnctlError(f"the demo's `bqnctl {' '.join(line)}` ended with {code}, not {int(expect)}")


def _title(text: str) -> None:
    _say(f"\n# {text}")


def _say(text: str) -> None:
    click.echo(text)
