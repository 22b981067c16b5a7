"""Lines as our writer makes them → objects of the desired state, with no YAML library in between.

One regular expression per kind describes exactly what `lines.py` writes. A line that matches means to YAML
what it means here (tests/property holds that); any doubt raises `Doubt`, and the file is read as YAML. So a
plan reads 100,000 subscribers in a fraction of a second.
"""

import re
import socket
from collections.abc import Callable
from functools import cache
from ipaddress import ip_network
from typing import Any

from msgspec import Struct

from generator.desired.absent import read_time
from generator.desired.lines import ESCAPED, KEYWORDS, LIMIT_FIELDS, PLAIN
from generator.desired.names import is_writable
from generator.desired.rates import MAX_NUMBER
from generator.model import Billed, Group, Limit, Policy, Rejected, Subscriber

OVERRIDE_NAME = re.compile("[A-Za-z][A-Za-z0-9._-]{0,47}")
"""The name of an override, as in the schemas."""

_MAX_KEY_TOKEN = 1000
"""YAML gives up on an implicit key of more than 1,024 characters."""


class Doubt(Exception):  # noqa: N818 - not an error: the slower way decides
    """What stands here is for the YAML library to judge."""


_ESC = r'\\(?:["\\]|u[0-9a-f]{4}|U[0-9a-f]{8})'
_CLEAR = r'[^"\\\x00-\x1f\x7f-\x9f]*+'
"""Without the many characters beyond Latin-1 that are escaped too, which `_text` looks for: quick to compile."""
_QUOTED = rf'"{_CLEAR}(?:{_ESC}{_CLEAR})*+"'
_TEXT = rf"(?:{PLAIN}+|{_QUOTED})"
_OCTET = "(?>25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}+"
_ADDRESS = rf'(?:({_V4})|"([0-9a-f:]++)")'
_NUMBER = "0|[1-9][0-9]{0,9}"
_NEXT = r"(?:, (?=[a-z])|(?=\}))"
"""After a field: another one, or the end."""
_LINE, _END = "(?m)^", r"(?:\n|\Z)"


def _field(name: str, value: str) -> str:
    return rf"(?:{name}: {value}{_NEXT})?+"


def _limit() -> str:
    burst = "".join(rf"(?:, {name}: ({_NUMBER}))?" for name in LIMIT_FIELDS[1:])
    return rf"\{{rate: (unlimited|{_NUMBER})(?:, burst_rate: ({_NUMBER}){burst})?\}}"


_STANDING = (
    _field("policy", f"({_TEXT})")
    + _field("blocked", "(true)")
    + _field("reason", f"({_TEXT})")
    + _field("groups", rf"\[({_TEXT}(?:, {_TEXT})*)\]")
)
_SUBSCRIBER = rf"  {_ADDRESS}: \{{" + _field("id", f"({_TEXT})") + r"([^\n]*+)"
"""An address, its id, and the rest, which a great many share: each rest is read once, by `_REST`."""
_REST = (
    _STANDING + _field("overrides", rf"\[({_TEXT}(?:, {_TEXT})*)\]") + _field("billed", rf"(\{{){_STANDING}\}}") + r"\}"
)
_POLICY = rf"  ({_TEXT}): \{{" + _field("id", f"({_TEXT})") + rf"download: {_limit()}, upload: {_limit()}\}}"
_GROUP = (
    rf"  ({_TEXT}): \{{"
    + _field("type", f"({_TEXT})")
    + _field("policy", f"({_TEXT})")
    + _field("ranges", rf"\[({_QUOTED}(?:, {_QUOTED})*)\]")
    + r"\}"
)
_REJECTED = (
    rf"  - \{{record: ({_TEXT}), reason: ({_TEXT}){_NEXT}"
    + "".join(_field(name, f"({_TEXT})") for name in ("id", "ip", "plan", "kept"))
    + r"\}"
)
_ABSENT = rf'  {_ADDRESS}: "([0-9TZ:-]+)"'
_TOKEN = re.compile(_TEXT)
_ESCAPED = re.compile(f"[{ESCAPED}]")
_ESCAPE = re.compile(_ESC)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, made when a file needs it: they are large, and a short run needs few."""
    return re.compile(pattern)


class Canonical(Struct, frozen=True, kw_only=True):
    """The fast way for one kind: a whole line's pattern, and what makes key and object of its groups."""

    pattern: re.Pattern[str]
    make: Callable[[tuple[Any, ...]], tuple[str, Any] | None]
    """None when the line is not canonical after all."""


def make_canonical(kind: str) -> Canonical:
    """The fast way for `kind`, with caches of its own: one for each file read."""
    tokens = _Tokens()
    pattern, maker = {
        "subscribers": (_SUBSCRIBER, tokens.subscriber),
        "policies": (_POLICY, tokens.policy),
        "groups": (_GROUP, tokens.group),
        "rejected": (_REJECTED, tokens.rejected),
        "absent": (_ABSENT, tokens.absent),
    }[kind]
    return Canonical(pattern=_compiled(f"{_LINE}{pattern}{_END}"), make=maker)


_Rest = tuple[str | None, bool, str | None, tuple[str, ...], tuple[str, ...], Billed | None]
"""policy, blocked, reason, groups, overrides, billed of a subscriber."""


class _Tokens:
    """Reads the pieces of matched lines; what recurs on many lines is read once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        self._rests: dict[str, _Rest | None] = {}

    def subscriber(self, found: tuple[Any, ...]) -> tuple[str, Subscriber] | None:
        v4, v6, identity, text = found
        rest = self._rests[text] if text in self._rests else self._rest(text)
        if rest is None:
            return None
        ip = v4 or _canonical_v6(v6)
        policy, blocked, reason, groups, overrides, billed = rest
        return ip, Subscriber(
            ip=ip,
            id=None if identity is None else _text(identity),
            policy=policy,
            blocked=blocked,
            reason=reason,
            groups=groups,
            overrides=overrides,
            billed=billed,
        )

    def _rest(self, text: str) -> "_Rest | None":
        """What stands on a subscriber's line after his id; None when it is not as our writer puts it."""
        found = _compiled(_REST).fullmatch(text)
        if found is None:
            rest = None
        else:
            policy, blocked, reason, groups, overrides, billed, *standing = found.groups()
            rest = (
                None if policy is None else self._name(policy),
                blocked is not None,
                None if reason is None else _text(reason),
                () if groups is None else self._group_names(groups),
                () if overrides is None else self._override_names(overrides),
                None if billed is None else self._billed(standing),
            )
        self._rests[text] = rest
        return rest

    def _billed(self, found: list[str | None]) -> Billed:
        policy, blocked, reason, groups = found
        return Billed(
            policy=None if policy is None else self._name(policy),
            blocked=blocked is not None,
            reason=None if reason is None else _text(reason),
            groups=() if groups is None else self._group_names(groups),
        )

    def policy(self, found: tuple[Any, ...]) -> tuple[str, Policy]:
        key, identity, *numbers = found
        name, half = self._key(key), len(numbers) // 2
        return name, Policy(
            name=name,
            id=None if identity is None else _text(identity),
            download=_limit_of(numbers[:half]),
            upload=_limit_of(numbers[half:]),
        )

    def group(self, found: tuple[Any, ...]) -> tuple[str, Group]:
        key, kind, policy, ranges = found
        name = self._key(key)
        _not_all_subscribers(name)
        return name, Group(
            name=name,
            type=None if kind is None else self._name(kind),
            policy=None if policy is None else self._name(policy),
            ranges=() if ranges is None else tuple(_range(token[0]) for token in _TOKEN.finditer(ranges)),
        )

    def rejected(self, found: tuple[Any, ...]) -> tuple[str, Rejected]:
        record, reason, *rest = (None if token is None else _text(token) for token in found)
        if not record or not reason:
            raise Doubt
        identity, ip, plan, kept = rest
        return record, Rejected(record=record, reason=reason, id=identity, ip=ip, plan=plan, kept=kept)

    def absent(self, found: tuple[Any, ...]) -> tuple[str, str]:
        v4, v6, since = found
        if since not in self._names:
            try:
                read_time(since)
            except ValueError as error:
                raise Doubt from error
            self._names[since] = since
        return v4 or _canonical_v6(v6), self._names[since]

    def _key(self, token: str) -> str:
        if len(token) > _MAX_KEY_TOKEN:
            raise Doubt
        return self._name(token)

    def _name(self, token: str) -> str:
        name = self._names.get(token)
        if name is None:
            name = self._names[token] = _text(token)
            if not is_writable(name):
                raise Doubt
        return name

    def _group_names(self, tokens: str) -> tuple[str, ...]:
        names = self._lists.get(tokens)
        if names is None:
            names = tuple(self._name(token[0]) for token in _TOKEN.finditer(tokens))
            for name in names:
                _not_all_subscribers(name)
            if len(set(names)) != len(names):
                raise Doubt
            self._lists[tokens] = names
        return names

    def _override_names(self, tokens: str) -> tuple[str, ...]:
        names = tuple(self._name(token[0]) for token in _TOKEN.finditer(tokens))
        if len(set(names)) != len(names) or not all(map(OVERRIDE_NAME.fullmatch, names)):
            raise Doubt
        return names


def _not_all_subscribers(name: str) -> None:
    if name == "all-subscribers":
        raise Doubt


def _text(token: str) -> str:
    if token[0] != '"':
        if token.lower() in KEYWORDS:
            raise Doubt
        return token
    if not token.isascii() and _ESCAPED.search(token):
        raise Doubt
    return token[1:-1] if "\\" not in token else _ESCAPE.sub(_unescape, token[1:-1])


def _unescape(found: re.Match[str]) -> str:
    escape = found[0]
    if escape[1] in '"\\':
        return escape[1]
    code = int.from_bytes(bytes.fromhex(escape[2:]))
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:  # noqa: PLR2004 - not characters
        raise Doubt
    return chr(code)


def _canonical_v6(text: str) -> str:
    try:
        if socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text)) == text:
            return text
    except OSError as error:
        raise Doubt from error
    raise Doubt


def _range(token: str) -> str:
    text = _text(token)
    try:
        canonical = str(ip_network(text))
    except ValueError as error:
        raise Doubt from error
    if canonical != text:
        raise Doubt
    return text


def _limit_of(tokens: list[str | None]) -> Limit:
    rate, *bursts = (None if token in {None, "unlimited"} else _number(token or "") for token in tokens)
    if bursts[0] == 0:
        raise Doubt
    return Limit(rate=rate, **dict(zip(LIMIT_FIELDS, bursts, strict=True)))


def _number(token: str) -> int:
    number = int(token)
    if number > MAX_NUMBER:
        raise Doubt
    return number
