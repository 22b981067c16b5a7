"""Credentials become `Secret` the moment they are read; problems with them never tell what they are."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from generator.errors import DocumentError, Problem
from generator.inventory.secret import Secret
from generator.inventory.shape import Shape
from generator.inventory.templating import CREDENTIALS, Resolver, is_template

_STAND_IN = "***"
"""What the schema sees in the place of each credential."""


class Credentials(Struct, frozen=True, kw_only=True):
    """The secrets of one host by name; `stand_in` is what the schema checks; `problems` tell no value."""

    secrets: Mapping[str, Secret]
    stand_in: Any
    problems: list[Problem]


def read_credentials(resolver: Resolver, shape: Shape, *, host: str, wanted: bool) -> Credentials:
    """The credentials of a host; not `wanted`: nothing is resolved, and every secret is empty."""
    raw = resolver.variables[CREDENTIALS].value
    if not wanted:
        return _unread(raw, shape)
    problems: list[Problem] = []
    if is_template(raw):
        try:
            raw = resolver.resolve(CREDENTIALS)
        except DocumentError as error:
            return Credentials(secrets={}, stand_in=_stand_ins(shape), problems=error.problems)
        values = _known(raw, shape)
    else:
        values = _resolved(resolver, _known(raw, shape), problems)
    for name, value in values.items():
        what, fix = _wrong(value)
        if what:
            problems.append(_problem(resolver, name, what, host=host, fix=fix))
    secrets = {name: Secret(value) for name, value in values.items() if isinstance(value, str)}
    stand_in = dict.fromkeys(raw, _STAND_IN) if isinstance(raw, dict) else _kind(raw)
    return Credentials(secrets=secrets, stand_in=stand_in, problems=problems)


def _unread(raw: Any, shape: Shape) -> Credentials:
    stand_in = _stand_ins(shape) if is_template(raw) else _kind(raw)
    names = [*shape.credential_names(), *(stand_in if isinstance(stand_in, dict) else ())]
    return Credentials(secrets={name: Secret("") for name in names}, stand_in=stand_in, problems=[])


def _known(raw: Any, shape: Shape) -> dict[str, Any]:
    """What stands under a known name; other names are for the schema, they may be secrets themselves."""
    return {name: raw[name] for name in shape.known_credentials() if name in raw} if isinstance(raw, dict) else {}


def _resolved(resolver: Resolver, raw: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in raw:
        try:
            values[name] = resolver.resolve(CREDENTIALS, (name,))
        except DocumentError as error:
            problems += error.problems
    return values


def _wrong(value: Any) -> tuple[str | None, str | None]:
    if not isinstance(value, str):
        return "this credential is not text", "put it in quotes"
    if not value:
        return "this credential is empty", "see that the environment variable or file behind it has a value"
    if any(ord(character) < ord(" ") for character in value):
        return "this credential has a line break or another control character in it", "take it out"
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return "this credential is not UTF-8 text", None
    return None, None


def _problem(resolver: Resolver, name: Any, what: str, *, host: str, fix: str | None) -> Problem:
    variable = resolver.variables[CREDENTIALS]
    return variable.problem(what, (name,), host=host, key=f"{CREDENTIALS}.{name}", fix=fix)


def _stand_ins(shape: Shape) -> dict[str, str]:
    """All that must be there; where that depends on the mode, all that may be."""
    return dict.fromkeys(shape.credential_names() or shape.known_credentials(), _STAND_IN)


def _kind(raw: Any) -> Any:
    """Something of the JSON type of `raw` that says nothing of it."""
    if isinstance(raw, dict):
        return dict.fromkeys(raw, _STAND_IN)
    if isinstance(raw, list):
        return []
    return None if raw is None else _STAND_IN
