"""`bqnctl init`: a new repository with inventory, pipelines and timer, from flags or from a short talk."""

import sys
from pathlib import Path

import click

from generator.cli.options import common_options, current_options
from generator.errors import Exit, UsageError
from generator.inventory.shape import known_systems
from generator.scaffold.answers import (
    FORGES,
    Answers,
    billing_answers,
    bqn_answer,
    checked_name,
    checked_network,
    known_system,
)
from generator.scaffold.files import new_files
from generator.scaffold.place import place

_NO_FORGE = "none"
_NAME = "production"


@click.command(name="init", short_help="a new repository")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=True))
@click.option("--system", "systems", multiple=True, metavar="SYSTEM", help="A billing system; goes with --host.")
@click.option("--host", "hosts", multiple=True, metavar="ADDRESS", help="The address of the billing system.")
@click.option("--bqn", "bqns", multiple=True, metavar="NAME=ADDRESS", help="An appliance; as often as there are.")
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="A prefix of the customers.")
@click.option("--ci", "forges", multiple=True, type=click.Choice([*FORGES, _NO_FORGE]), help="Pipelines for it.")
@click.option(
    "--parts", type=click.IntRange(1), default=1, show_default=True, help="Jobs that share the appliances of a plan."
)
@click.option("--name", help=f"The name of the inventory ({_NAME}).")
@click.option("--defaults", is_flag=True, help="Never ask: what has a default takes it, the rest must be given.")
@common_options
def command(
    *,
    folder: Path,
    systems: tuple[str, ...],
    hosts: tuple[str, ...],
    bqns: tuple[str, ...],
    networks: tuple[str, ...],
    forges: tuple[str, ...],
    parts: int,
    name: str | None,
    defaults: bool,
) -> Exit:
    """Make DIR a repository for bqnctl; what no option says is asked, on a terminal.

    A file that exists is never overwritten: if one differs, it is named, and nothing is written.
    """
    if current_options().inventory is not None or current_options().limit is not None:
        raise UsageError("init makes a new inventory: -i and -l do not go with it", fix="bqnctl init DIR")
    questions = _Questions(asking=not defaults and sys.stdin.isatty())
    # What is wrong in an option is said before anything is asked.
    known = [bqn_answer(text) for text in bqns]
    prefixes = tuple(checked_network(text) for text in networks)
    if name is not None:
        checked_name(name, "--name")
    billing = billing_answers(*questions.billing(systems, hosts))
    answers = Answers(
        billing=billing,
        bqn=tuple(known) or tuple(bqn_answer(text) for text in questions.appliances()),
        networks=prefixes or tuple(checked_network(text) for text in questions.networks()),
        forges=_forges(forges or questions.forges()),
        name=checked_name(name or questions.name(), "--name"),
        parts=parts,
    )
    _enough_for(answers)
    _no_twins([host.name for host in answers.billing] + [host.name for host in answers.bqn])
    placed = place(folder, new_files(answers))
    for path in placed.written:
        click.echo(f"written: {folder / path}")
    for path in placed.unchanged:
        click.echo(f"unchanged: {folder / path}")
    click.echo(f"Next: {folder / 'README.md'} says which secrets to set; then bqnctl doctor, render, plan.")
    return Exit.OK


class _Questions:
    """What is asked on a terminal, or is missing without one."""

    def __init__(self, *, asking: bool) -> None:
        self.asking = asking

    def billing(self, systems: tuple[str, ...], hosts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The systems and their addresses; one system where no option names any."""
        if self.asking and not systems and not hosts:
            systems = (click.prompt("Billing system", type=click.Choice(known_systems()), err=True),)
        if self.asking and systems and not hosts:
            hosts = tuple(click.prompt(f"Address of {system}", err=True) for system in map(known_system, systems))
        for option, given in (("--system", systems), ("--host", hosts)):
            if not given:
                raise UsageError(
                    f"{option} is missing" + ("" if self.asking else ", and nobody can be asked"),
                    fix="--system splynx --host billing.example.net; systems: " + ", ".join(known_systems()),
                )
        return systems, hosts

    def appliances(self) -> list[str]:
        """Each appliance as NAME=ADDRESS, until an empty answer."""
        if not self.asking:
            raise UsageError("--bqn is missing, and nobody can be asked", fix="--bqn bqn-north=192.0.2.10")
        given: list[str] = []
        while not given or (text := self._text("One more (empty: no more)")):
            name = f"bqn-{len(given) + 1}"
            address = self._text("Address of the first BQN") if not given else text
            if address:
                given.append(address if "=" in address else f"{name}={address}")
        return given

    def networks(self) -> list[str]:
        """The prefixes of the customers; none means any."""
        text = self._text("Prefixes of the customers, for example 10.20.0.0/16 (empty: any)") if self.asking else ""
        return text.replace(",", " ").split()

    def forges(self) -> tuple[str, ...]:
        """Whose pipelines to write."""
        if not self.asking:
            return (_NO_FORGE,)
        return (click.prompt("Pipelines", type=click.Choice([*FORGES, _NO_FORGE]), default=_NO_FORGE, err=True),)

    def name(self) -> str:
        """The name of the inventory."""
        if not self.asking:
            return _NAME
        return str(click.prompt("Name of the inventory", default=_NAME, err=True))

    def _text(self, question: str) -> str:
        return str(click.prompt(question, default="", show_default=False, err=True)).strip()


def _forges(given: tuple[str, ...]) -> tuple[str, ...]:
    if _NO_FORGE in given and len(set(given)) > 1:
        raise UsageError("--ci none does not go with another --ci", fix="leave one of them out")
    return tuple(forge for forge in FORGES if forge in given)


def _enough_for(answers: Answers) -> None:
    if answers.parts > 1 and not answers.forges:
        raise UsageError("--parts is for pipelines, and there are none", fix="--ci github or --ci gitlab")
    if answers.parts > len(answers.bqn):
        what = f"{answers.parts} parts of {len(answers.bqn)} appliances"
        raise UsageError(f"--parts: {what}", fix="as many as there are appliances, or fewer")


def _no_twins(names: list[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise UsageError(f"two hosts are called {', '.join(twins)}", fix="--bqn NAME=ADDRESS with another name")
