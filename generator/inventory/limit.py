"""Host patterns of `--limit`, as in Ansible; what matches nothing is an error rather than a warning.

A pattern is a list of parts joined by commas or colons: names, groups, globs, `~regex`; `&part` keeps what
both have, `!part` takes out, `group[0]` and `group[0:2]` count hosts of a group (both ends included).
"""

import fnmatch
import re
from collections.abc import Iterable
from ipaddress import ip_address

from generator.documents.nearest import suggestion
from generator.documents.wording import shown
from generator.errors import UsageError
from generator.inventory.settings import Inventory

_SUBSCRIPT = re.compile(r"(?P<part>.+)\[(?:(?P<index>-?[0-9]+)|(?P<first>[0-9]+)[:-](?P<last>[0-9]*))\]")
_BETWEEN_COLONS = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")
_ALL = "all"


def limit_hosts(inventory: Inventory, pattern: str | None) -> frozenset[str]:
    """The names of the billing hosts and BQNs that `pattern` leaves; all of them for None.

    Raises `UsageError` when the pattern, or a part of it, matches no host.
    """
    known = frozenset(inventory.billing) | frozenset(inventory.bqn)
    if pattern is None:
        return known
    parts = _parts(pattern, inventory)
    if not parts:
        raise UsageError("--limit is empty", fix="name hosts or groups, or leave it out for all hosts")
    plain = [part for part in parts if part[0] not in "&!"] or [_ALL]
    hosts = _names(inventory)
    found = frozenset[str]().union(*({part} if part in hosts else _matched(part, inventory) for part in plain))
    for part in parts:
        if part[0] == "&":
            found &= _matched(part[1:], inventory)
    for part in parts:
        if part[0] == "!":
            found -= _matched(part[1:], inventory)
    if not found & known:
        what = f"--limit {shown(pattern)} leaves no host"
        if found:
            what = f"--limit {shown(pattern)} leaves only hosts that are neither in billing nor in bqn"
        raise UsageError(what, fix=f"hosts: {', '.join(sorted(known))}")
    return found & known


def _parts(pattern: str, inventory: Inventory) -> list[str]:
    if "," in pattern:
        parts = pattern.split(",")
    elif pattern in _names(inventory) or _is_address(pattern):
        parts = [pattern]
    else:
        parts = _BETWEEN_COLONS.findall(pattern)
    stripped = [part.strip() for part in parts]
    for part in stripped:
        if part in ("&", "!", "~", "&~", "!~"):
            raise UsageError(f"--limit: nothing stands after {part}", fix="name a host or group after it")
    return [part for part in stripped if part]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _names(inventory: Inventory) -> dict[str, None]:
    """The names of every host, ours or not, in the order of the groups."""
    return dict.fromkeys(host for members in inventory.groups.values() for host in members)


def _matched(part: str, inventory: Inventory) -> frozenset[str]:
    """The hosts that one part matches; raises `UsageError` when it matches neither group nor host."""
    hosts = _names(inventory)
    name, subscript = part, None
    if part[0] != "~" and (subscript := _SUBSCRIPT.fullmatch(part)):
        name = subscript["part"]
    groups = _match(name, inventory.groups)
    found = dict.fromkeys(host for group in groups for host in inventory.groups[group])
    if not groups or name[0] == "~" or any(character in name for character in ".?*["):
        found |= dict.fromkeys(_match(name, hosts))
    if not groups and not found:
        fix = suggestion(name, [*inventory.groups, *hosts])
        raise UsageError(f"--limit: {shown(part)} matches no host and no group", fix=fix)
    return frozenset(_counted(list(found), subscript, part))


def _match(part: str, names: Iterable[str]) -> list[str]:
    try:
        pattern = re.compile(part[1:] if part[0] == "~" else fnmatch.translate(part))
    except re.error as error:
        raise UsageError(f"--limit: {shown(part)} is not a regular expression: {error}") from None
    return [name for name in names if pattern.match(name)]


def _counted(hosts: list[str], subscript: re.Match[str] | None, part: str) -> list[str]:
    if subscript is None:
        return hosts
    if subscript["index"]:
        index = int(subscript["index"])
        chosen = hosts[index:][:1] if index >= -len(hosts) else []
    else:
        last = int(subscript["last"]) + 1 if subscript["last"] else len(hosts)
        chosen = hosts[int(subscript["first"]) : last]
    if not chosen:
        raise UsageError(f"--limit: {shown(part)} matches no host", fix=f"there are {len(hosts)}, counted from 0")
    return chosen
