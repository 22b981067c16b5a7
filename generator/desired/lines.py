"""Objects of the desired state → their lines of YAML; each line means the same to every YAML reader.

A scalar stands plain only where no reader of YAML 1.1 or 1.2 takes it for anything but text; all others are
in double quotes, with what does not print, bidirectional controls and line separators escaped.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from generator.model import Billed, Group, Limit, Policy, Rejected, Subscriber

ESCAPED = (
    "\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f"
    "\ud800-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff"
)
"""What is never written as it is: the inside of a regular expression's character class."""

PLAIN = "[A-Za-z][A-Za-z0-9_./+-]*"

KEYWORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "inf", "infinity", "nan"})
"""Texts, in small letters, that some reader does not take for text."""

LIMIT_FIELDS = (
    "burst_rate",
    "burst_duration",
    "burst_threshold",
    "burst_threshold_window",
    "burst_transition_duration",
)

_PLAIN = re.compile(PLAIN)
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:[.-]?[0-9A-Fa-f]{2}){5}")
_ESCAPE = re.compile(f'["\\\\{ESCAPED}]')


def scalar(text: str) -> str:
    """`text` as a YAML scalar on one line. A lone surrogate, which no file can hold, becomes U+FFFD."""
    if _PLAIN.fullmatch(text) and text.lower() not in KEYWORDS and not _MAC.fullmatch(text):
        return text
    return quoted(text)


_recurring = lru_cache(maxsize=65_536)(scalar)
"""For names of policies and groups, which stand on many lines."""


def quoted(text: str) -> str:
    """`text` in double quotes."""
    return f'"{_ESCAPE.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in '"\\':
        return f"\\{character}"
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the surrogates
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane


def address(ip: str) -> str:
    """An address as a key: IPv4 plain, IPv6 quoted."""
    return f'"{ip}"' if ":" in ip else ip


def line(item: Policy | Group | Subscriber | Rejected) -> str:
    """The line of `item`, without its indentation: what the templates' `line` filter gives."""
    if isinstance(item, Subscriber):
        return _subscriber(item)
    if isinstance(item, Policy):
        return _policy(item)
    return _group(item) if isinstance(item, Group) else _rejected(item)


def absent_line(ip: str, since: str) -> str:
    """The line of an absent subscriber, without its indentation."""
    return f"{address(ip)}: {quoted(since)}"


def _subscriber(item: Subscriber) -> str:
    parts = []
    if item.id is not None:
        parts.append(f"id: {scalar(item.id)}")
    parts += _standing(item)
    if item.overrides:
        parts.append(f"overrides: [{', '.join(map(_recurring, item.overrides))}]")
    if item.billed is not None:
        parts.append(f"billed: {{{', '.join(_standing(item.billed))}}}")
    return f"{address(item.ip)}: {{{', '.join(parts)}}}"


def _standing(item: Subscriber | Billed) -> list[str]:
    parts = []
    if item.policy is not None:
        parts.append(f"policy: {_recurring(item.policy)}")
    if item.blocked:
        parts.append("blocked: true")
    if item.reason is not None:
        parts.append(f"reason: {_recurring(item.reason)}")
    if item.groups:
        parts.append(f"groups: [{', '.join(map(_recurring, item.groups))}]")
    return parts


def _policy(item: Policy) -> str:
    parts = _known({"id": item.id})
    if item.static:
        return f"{scalar(item.name)}: {{{', '.join([*parts, 'static: true'])}}}"
    parts += [f"download: {_limit(item.download)}", f"upload: {_limit(item.upload)}"]
    return f"{scalar(item.name)}: {{{', '.join(parts)}}}"


def _limit(limit: Limit) -> str:
    numbers = [(name, getattr(limit, name)) for name in LIMIT_FIELDS]
    parts = [f"rate: {'unlimited' if limit.rate is None else limit.rate}"]
    parts += [f"{name}: {number}" for name, number in numbers if number is not None]
    return f"{{{', '.join(parts)}}}"


def _group(item: Group) -> str:
    parts = _known({"type": item.type, "policy": item.policy})
    if item.ranges:
        parts.append(f"ranges: [{_list(item.ranges)}]")
    return f"{scalar(item.name)}: {{{', '.join(parts)}}}"


def _list(texts: Iterable[str]) -> str:
    return ", ".join(map(quoted, texts))


def _rejected(item: Rejected) -> str:
    fields = ("record", "reason", "id", "ip", "plan", "kept")
    return f"- {{{', '.join(_known({name: getattr(item, name) for name in fields}))}}}"


def _known(fields: Mapping[str, str | None]) -> list[str]:
    return [f"{name}: {scalar(text)}" for name, text in fields.items() if text is not None]
