"""`overrides.yml` → overrides: valid YAML of the schema's shape, and what no schema can say."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

from generator.bqn.wire import bqn_name
from generator.desired.canonical import OVERRIDE_NAME
from generator.desired.overrides.model import FILE_NAME, NONE, GroupChange, Match, Override, Overrides, Rates
from generator.documents.nearest import suggestion
from generator.documents.schema import schema_problems
from generator.documents.wording import shown
from generator.documents.yaml import Dialect, Document, parse, read_text
from generator.errors import DocumentError, Problem
from generator.model import BLOCK_POLICY

_MAPPED_PREFIX = 96
"""An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) has this many bits before it."""


def load_overrides(folder: Path, *, sources: Iterable[str] | None) -> Overrides:
    """The overrides of the inventory in `folder`; none where it has no file of them.

    `sources` are the names of its billing hosts (`None`: not known, so not checked). Raises `DocumentError`
    with every problem, each with its place.
    """
    misnamed = folder / "overrides.yaml"
    if misnamed.exists():
        what = "is not read: the overrides are in overrides.yml"
        raise DocumentError([Problem(what=what, file=misnamed, fix="rename it to overrides.yml")])
    file = folder / FILE_NAME
    if not file.exists() and not file.is_symlink():
        return NONE
    return parse_overrides(read_text(file), file, sources=sources)


def parse_overrides(text: str, file: Path, *, sources: Iterable[str] | None) -> Overrides:
    """The overrides in `text`, which is said to be `file`; raises as `load_overrides` does."""
    document = parse(text, file, Dialect.STRICT)
    if document.data is None:
        return Overrides((), document)
    problems = _bad_names(document)
    # The schema would say it again, of the list as a whole.
    problems += [each for each in schema_problems(document, "overrides") if not (problems and each.key == "overrides")]
    if problems:
        raise DocumentError(problems)
    entries = []
    known = None if sources is None else tuple(sources)
    for name, value in (document.data["overrides"] or {}).items():
        found = list(_problems(document, name, value, known))
        problems += found
        if not found:
            entries.append(_override(name, value))
    if problems:
        raise DocumentError(problems)
    return Overrides(tuple(entries), document)


def _bad_names(document: Document) -> list[Problem]:
    entries = document.data.get("overrides") if isinstance(document.data, dict) else None
    return [
        document.problem(
            f"{shown(name)} cannot be the name of an override", ("overrides", name), of_key=True,
            fix="a letter, then letters, digits, dots, dashes and underscores; at most 48",
        )
        for name in (entries if isinstance(entries, dict) else ())
        if not OVERRIDE_NAME.fullmatch(str(name))
    ]  # fmt: skip


def _problems(
    document: Document, name: str, value: Mapping[str, Any], sources: tuple[str, ...] | None
) -> Iterator[Problem]:
    """What is wrong with one override that fits the schema."""

    def at(what: str, *path: str, fix: str | None = None) -> Problem:
        return document.problem(what, ("overrides", name, *path), fix=fix)

    match, settings = value["match"], value["set"]
    if "until" in value and _date(value["until"]) is None:
        yield at(f"{value['until']!r} is no day of the calendar", "until", fix='write it as "2026-12-31"')
    if "ip" in match:
        why = _address_problem(match["ip"])
        if why:
            yield at(why[0], "match", "ip", fix=why[1])
    if match.keys() == {"source"}:
        yield at("it matches every subscriber of the source", "match", fix="add id, ip, policy or group")
    source = match.get("source")
    if source is not None and sources is not None and source not in sources:
        yield at(f"no billing host is called {source!r}", "match", "source", fix=suggestion(source, sources))
    if bqn_name(settings.get("policy", "")) == BLOCK_POLICY:
        yield at(f"{BLOCK_POLICY} is what blocked subscribers have", "set", "policy", fix="write blocked: true instead")
    if "policy" in settings and "rates" in settings:
        yield at("policy and rates both say which policy", "set", "rates", fix="keep one of them")
    if "absent" in settings and len(settings) > 1:
        yield at("who is absent has nothing else", "set", "absent", fix="keep absent alone, or remove it")
    yield from _group_problems(settings.get("groups", {}), partial(at, fix="keep the name in one list"))


def _group_problems(groups: Mapping[str, list[str]], at: partial[Problem]) -> Iterator[Problem]:
    names = {key: frozenset(map(bqn_name, listed)) for key, listed in groups.items()}
    if "set" in names and len(names) > 1:
        yield at("set names all groups, so that nothing is left to add or remove", "set", "groups", "set")
    both = names.get("add", frozenset()) & names.get("remove", frozenset())
    if both:
        yield at(f"{min(both)} is added and removed", "set", "groups", "remove")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _address_problem(text: str) -> tuple[str, str | None] | None:
    """Why `text` is neither an address nor a network, and what to write."""
    try:
        _network(text)
    except ValueError:
        try:
            whole = ip_network(text.replace("%", " "), strict=False)  # a zone makes it no address
        except ValueError:
            return f"{text!r} is neither an IP address nor a network", "write 10.20.30.40 or 10.20.0.0/16"
        return f"{text!r} has bits set behind its length", f"write {whole}"
    return None


def _network(text: str) -> tuple[IPv4Network | IPv6Network, bool]:
    """The network of an address or CIDR, and whether it was an address alone; raises `ValueError`."""
    if "/" in text:
        return _unmapped(ip_network(text)), False
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError(text)
    return _unmapped(ip_network(address)), True


def _unmapped(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if isinstance(network, IPv4Network) or network.network_address.ipv4_mapped is None:
        return network
    return ip_network((int(network.network_address.ipv4_mapped), max(0, network.prefixlen - _MAPPED_PREFIX)))


def _override(name: str, value: Mapping[str, Any]) -> Override:
    settings = value["set"]
    return Override(
        name=name,
        reason=value["reason"],
        until=_date(value["until"]) if "until" in value else None,
        match=_match(value["match"]),
        policy=settings.get("policy"),
        rates=_rates(settings["rates"]) if "rates" in settings else None,
        blocked=settings.get("blocked"),
        groups=_groups(settings["groups"]) if "groups" in settings else None,
        absent=settings.get("absent", False),
    )


def _match(value: Mapping[str, Any]) -> Match:
    network, alone = _network(value["ip"]) if "ip" in value else (None, False)
    return Match(
        id=value.get("id"), network=network, alone=alone, policy=value.get("policy"), group=value.get("group"),
        source=value.get("source"),
    )  # fmt: skip


def _rates(value: Mapping[str, Any]) -> Rates:
    kbps = {name: None if rate == "unlimited" else int(rate) for name, rate in value.items()}
    return Rates(download=kbps["download"], upload=kbps["upload"])


def _groups(value: Mapping[str, list[str]]) -> GroupChange:
    names = {key: tuple(dict.fromkeys(map(bqn_name, listed))) for key, listed in value.items()}
    return GroupChange(
        only=names.get("set"), add=frozenset(names.get("add", ())), remove=frozenset(names.get("remove", ()))
    )
