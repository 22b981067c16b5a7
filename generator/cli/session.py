"""What every command starts with: the log, the inventory, the hosts it is about, the desired states."""

import logging
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Protocol

from msgspec import Struct

from generator.cli.logs import start_log
from generator.cli.options import current_options, environment
from generator.desired.check import reference_problems
from generator.desired.tree import load_tree
from generator.errors import DocumentError, Problem, UsageError
from generator.inventory.find import find_inventory
from generator.inventory.limit import limit_hosts
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost, BqnHost, Inventory
from generator.model import DesiredState
from generator.net.tls import TlsSettings

log = logging.getLogger(__name__)


class Session(Struct, frozen=True):
    """The inventory of a run and its hosts inside the limit."""

    inventory: Inventory
    billing: tuple[BillingHost, ...]
    bqn: tuple[BqnHost, ...]

    @property
    def desired_folder(self) -> Path:
        """Where the desired states are."""
        return self.inventory.folder / "desired"

    @property
    def journal_folder(self) -> Path:
        """Where the journals of runs are."""
        return self.inventory.folder / "journal"


class Verified(Protocol):
    """What is talked to over TLS: a host, or a webhook."""

    @property
    def name(self) -> str:
        """Its name, for messages."""

    @property
    def tls(self) -> TlsSettings:
        """How its certificate is verified."""


class DesiredStates(Struct, frozen=True):
    """The desired states of some sources, and the digest of the files of each."""

    states: Mapping[str, DesiredState]
    digests: Mapping[str, str]


def open_session(*, credentials: frozenset[str]) -> Session:
    """Start the log, find and read the inventory, apply the limit.

    `credentials` says which kinds of host are talked to (`billing`, `bqn`); the secrets of the others, and of
    hosts outside the limit, are not resolved, so that a job needs only the secrets it uses.
    """
    options = current_options()
    start_log(verbose=options.verbose, log_format=options.log_format)
    folder = find_inventory(options.inventory, os.environ, Path.cwd())
    hosts: frozenset[str] | None = None
    if options.limit is not None and credentials:
        without_secrets = load_inventory(folder, environ=environment(), credentials=frozenset())
        hosts = frozenset(limit_hosts(without_secrets, options.limit))
    inventory = load_inventory(folder, environ=environment(), credentials=credentials, hosts=hosts)
    names = limit_hosts(inventory, options.limit)
    session = Session(
        inventory,
        tuple(host for host in inventory.billing.values() if host.name in names),
        tuple(host for host in inventory.bqn.values() if host.name in names),
    )
    talked_to: list[BillingHost | BqnHost] = [*session.billing] if "billing" in credentials else []
    talked_to += session.bqn if "bqn" in credentials else ()
    warn_unverified(talked_to)
    return session


def warn_unverified(hosts: Iterable[Verified]) -> None:
    """Say of each host whose certificate is not verified that it is not."""
    for host in hosts:
        if not host.tls.verify:
            log.warning("%s: its certificate is NOT verified (tls.verify is false)", host.name)


def read_secrets_of(host: BillingHost, session: Session) -> BillingHost:
    """`host` with its secrets, those of all others unread."""
    folder = session.inventory.folder
    whole = load_inventory(
        folder, environ=environment(), credentials=frozenset({"billing"}), hosts=frozenset({host.name})
    )  # fmt: skip
    return whole.billing[host.name]


def require_hosts(hosts: Sequence[BillingHost | BqnHost], kind: str) -> None:
    """Refuse to run about nothing: raises `UsageError` when no host of this kind is inside the limit."""
    if not hosts:
        raise UsageError(
            f"no {kind} host is selected", fix=f"see the group {kind} in hosts.yml, and the pattern of --limit"
        )


def load_desired(session: Session) -> DesiredStates:
    """The desired states of every source of the session's appliances, checked.

    Raises `DocumentError` with every problem of every file, and `UsageError` for a source never rendered:
    a missing folder is not an empty desired state.
    """
    sources = sorted({source for bqn in session.bqn for source in bqn.sources})
    missing = [source for source in sources if not (session.desired_folder / source).is_dir()]
    if missing:
        raise UsageError(
            f"no desired state of {', '.join(missing)} in {session.desired_folder}", fix="bqnctl render makes it"
        )
    desired, problems = read_desired(session.desired_folder, sources)
    if problems:
        raise DocumentError(problems)
    return desired


def read_desired(folder: Path, sources: Iterable[str]) -> tuple[DesiredStates, list[Problem]]:
    """The desired states of `sources` under `folder`, and everything that is wrong in their files."""
    problems: list[Problem] = []
    states: dict[str, DesiredState] = {}
    digests: dict[str, str] = {}
    for source in sources:
        try:
            tree = load_tree(folder / source)
        except DocumentError as error:
            problems += error.problems
            continue
        problems += reference_problems(tree)
        states[source] = tree.state
        digests[source] = tree.digest
    return DesiredStates(states, digests), problems


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: the requests under way are finished, nothing new is begun."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of handlers
        stop.set()

    previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
