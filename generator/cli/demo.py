"""`bqnctl demo`: the whole story on loopback, told by the commands a person would type."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from generator.cli.options import common_options, current_options
from generator.cli.story import Teller
from generator.demo.world import World, free_folder, new_folder, running_world
from generator.errors import Exit, UsageError


@click.command(name="demo", short_help="the whole story on loopback emulators")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--push", is_flag=True, help="The story of a billing that pushes and of routers that send RADIUS.")
@click.option("--serve", is_flag=True, help="Only start the emulators of the demo inventory FOLDER, until Ctrl-C.")
@common_options
def command(*, folder: Path | None, push: bool, serve: bool) -> Exit:
    """Play render, plan, apply and a billing change on emulators; leaves the inventory in FOLDER.

    FOLDER is bqnctl-demo by default, with a number behind it if that exists.
    """
    if current_options().inventory is not None or current_options().limit is not None:
        raise UsageError("the demo makes its own inventory: -i and -l do not go with it", fix="bqnctl demo [FOLDER]")
    if serve:
        if folder is None:
            raise UsageError("--serve needs the folder of a demo", fix="bqnctl demo --serve bqnctl-demo")
        return _serve(folder)
    if push:
        from generator.cli.demo_push import tell_push  # noqa: PLC0415 - databases and metrics, for this story only

        tell_push(free_folder(folder or Path("bqnctl-demo")))
        return Exit.OK
    made = new_folder(folder or Path("bqnctl-demo"))
    with running_world(made) as world:
        _Story(world).tell()
    return Exit.OK


def _serve(folder: Path) -> Exit:
    with running_world(folder):
        click.echo(f"The emulators of {folder} run until Ctrl-C. In another terminal: bqnctl -i {folder} plan")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return Exit.OK


class _Story(Teller):
    """The story, step by step; each command is run as typed, and its exit code is checked."""

    def __init__(self, world: World) -> None:
        super().__init__(world.folder)
        self.world = world

    def tell(self) -> None:
        self.title("The billing knows who may have what. Render it to files for git")
        self.run("render", expect=Exit.OK)
        self.title("Compare the files with the two live BQNs; nothing is written")
        first = str(self.folder / "first.plan.json")
        self.run("plan", "--out", first, expect=Exit.OK)
        self.title("Make it so: exactly the plan that was shown")
        self.run("apply", first, expect=Exit.OK)
        self.title("Again: nothing to do")
        self.run("plan", "--detailed-exitcode", expect=Exit.OK)
        self.title("Meanwhile, in the billing")
        for change in self._changes():
            self.say(f"  * {change()}")
        self.title("What changed, as a reviewer sees it")
        self.run("render", "--diff", expect=Exit.OK)
        self.title("What that means for the BQNs; saved, so that exactly this is applied")
        saved = str(self.folder / "change.plan.json")
        page = str(self.folder / "change.html")
        self.run("plan", "--out", saved, "--html", page, "--detailed-exitcode", expect=Exit.PENDING)
        self.say(f"  (the same to sort, search and see as charts: {page})")
        self.run("apply", saved, expect=Exit.OK)
        self.title("And again: nothing to do")
        self.run("plan", "--detailed-exitcode", expect=Exit.OK)
        folder = self.folder
        self.say(f"\nThe inventory is yours: {folder}. To play on, start its emulators with")
        self.say(f"  bqnctl demo --serve {folder}")
        self.say(f"and in another terminal: bqnctl -i {folder} plan")

    def _changes(self) -> list[Callable[[], str]]:
        billing = self.world.billing
        return [
            billing.new_customer, billing.change_plan, billing.stop_paying, billing.cancel, billing.new_tariff,
        ]  # fmt: skip
