"""What a new repository is about: the billing systems, the appliances, the forge; checked as it is said."""

import ipaddress
import re

from msgspec import Struct

from generator.documents.nearest import suggestion
from generator.documents.schema import load_schema
from generator.documents.wording import shown
from generator.errors import UsageError
from generator.inventory.shape import BILLING, BQN, known_systems, shape_of

FORGES = ("github", "gitlab")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_ADDRESS = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252})")


class Credential(Struct, frozen=True, kw_only=True):
    """One secret of a host: its key in the inventory and the environment variable that it is taken from."""

    key: str
    variable: str


class BillingAnswer(Struct, frozen=True, kw_only=True):
    """A billing system: the name of its host in the inventory, its system and its address."""

    name: str
    system: str
    address: str

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The secrets that its system asks for: by the default mode, and the first way where there are several."""
        schema = load_schema(f"billing/{self.system}")
        by_mode = schema.get("else", {}).get("properties", {}).get("credentials", {})
        ways = schema["properties"]["credentials"].get("anyOf", [{}])
        named = (
            *shape_of(BILLING, self.system).credential_names(),
            *by_mode.get("required", ()), *ways[0].get("required", ()),
        )  # fmt: skip
        keys = tuple(dict.fromkeys(named))
        prefix = _variable(self.name.removesuffix("-main"))
        return tuple(Credential(key=key, variable=f"{prefix}_{key.upper()}") for key in keys)


class BqnAnswer(Struct, frozen=True, kw_only=True):
    """An appliance: the name of its host in the inventory and its address."""

    name: str
    address: str


class Answers(Struct, frozen=True, kw_only=True):
    """All that a new repository is made of."""

    name: str
    billing: tuple[BillingAnswer, ...]
    bqn: tuple[BqnAnswer, ...]
    networks: tuple[str, ...] = ()
    forges: tuple[str, ...] = ()
    parts: int = 1

    @property
    def limits(self) -> tuple[str, ...]:
        """The `--limit` of each part that the pipelines plan apart; none when one job plans all.

        They count the hosts of the group, so that an appliance that comes later is in the last part.
        """
        if self.parts == 1:
            return ()
        bounds = [number * len(self.bqn) // self.parts for number in range(self.parts)]
        ends = [*(start - 1 for start in bounds[1:]), ""]
        return tuple(f"bqn[{start}:{end}]" for start, end in zip(bounds, ends, strict=True))

    @property
    def inventory(self) -> str:
        """The inventory's folder in the repository."""
        return f"inventories/{self.name}"


BQN_CREDENTIALS = tuple(Credential(key=key, variable=f"BQN_{key.upper()}") for key in shape_of(BQN).credential_names())


def billing_answers(systems: tuple[str, ...], addresses: tuple[str, ...]) -> tuple[BillingAnswer, ...]:
    """The billing systems of `--system` and `--host`, which go together in their order."""
    if len(systems) != len(addresses):
        raise UsageError(
            f"{len(systems)} times --system, {len(addresses)} times --host",
            fix="give each billing system its address: --system splynx --host billing.example.net",
        )
    names: dict[str, int] = {}
    answers = []
    for system, address in zip(map(known_system, systems), map(checked_address, addresses), strict=True):
        names[system] = number = names.get(system, 0) + 1
        suffix = "main" if number == 1 else str(number)
        name = f"{system.replace('_', '-')}-{suffix}"
        answers.append(BillingAnswer(name=name, system=system, address=address))
    return tuple(answers)


def bqn_answer(text: str) -> BqnAnswer:
    """The appliance of `--bqn NAME=ADDRESS`."""
    name, equals, address = text.partition("=")
    if not equals:
        raise UsageError(f"--bqn {shown(text)} has no address", fix="--bqn bqn-north=192.0.2.10")
    return BqnAnswer(name=checked_name(name, "--bqn"), address=checked_address(address))


def known_system(system: str) -> str:
    """`system`, if it is one that bqnctl reads."""
    if system not in known_systems():
        raise UsageError(f"--system {shown(system)} is not known", fix=suggestion(system, known_systems()))
    return system


def checked_name(name: str, option: str) -> str:
    """`name`, if it may be that of a host or an inventory: it becomes a file's name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{option}: {shown(name)} is not a name", fix="letters, digits, dashes, dots, underscores")
    return name


def checked_address(address: str) -> str:
    """`address`, if it can be a host name or an IP address."""
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"{shown(address)} is not an address", fix="a host name or an IP address, without https://")
    return address


def checked_network(text: str) -> str:
    """`text`, if it is an IP prefix."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise UsageError(f"--network: {error}", fix="--network 10.20.0.0/16") from None


def _variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
