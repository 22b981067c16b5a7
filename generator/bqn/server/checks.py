"""Whether a body is one that a BQN takes: types and ranges of what is known, with the field in the refusal.

Unknown members are tolerated (facts: BQN REST API, 2), as the vendor's own scripts send some.
"""

import ipaddress
from typing import Any

from generator.bqn.kinds import Kind
from generator.bqn.wire import MAX_RATE, UNLIMITED, bqn_name

BAD_REQUEST = 400
LIMITS = ("rateLimitDownlink", "rateLimitUplink")
BURSTS = ("burstRate", "burstDuration", "burstThreshold", "burstThresholdWindow", "burstTransitionDuration")
MAX_NAME_BYTES = 128
_TEXTS = {
    Kind.POLICY: ("policyId",),
    Kind.SUBSCRIBER: ("subscriberId", "policyRate"),
    Kind.GROUP: ("subscriberGroupType", "policyRate"),
}
_MAX_TEXT_BYTES = 1024


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """What a BQN answers to a request it does not accept."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def check_body(kind: Kind, body: dict[str, Any], *, max_groups: int, minus_one: bool) -> None:
    """Raise `Refusal` for a body of `kind` that cannot be taken; `minus_one`: whether rate -1 can."""
    for field in _TEXTS[kind]:
        _check_text(field, body.get(field))
    if kind is Kind.POLICY:
        _check_limits(body, minus_one=minus_one)
    elif kind is Kind.SUBSCRIBER:
        for name in _texts(body, "subscriberGroups"):
            check_name(name)
        if len(body.get("subscriberGroups") or ()) > max_groups:
            raise Refusal(BAD_REQUEST, f"at most {max_groups} groups")
    else:
        _texts(body, "subscriberMembers")
        for text in _texts(body, "subscriberRanges"):
            _check_range(text)


def without_spaces(body: dict[str, Any]) -> dict[str, Any]:
    """`body` with the names it refers to as a BQN writes them: each blank a `_` (facts: BQN REST API, 9)."""
    changed: dict[str, Any] = {}
    if isinstance(policy := body.get("policyRate"), str):
        changed["policyRate"] = bqn_name(policy)
    if isinstance(groups := body.get("subscriberGroups"), list):
        changed["subscriberGroups"] = [bqn_name(each) if isinstance(each, str) else each for each in groups]
    return {**body, **changed}


def check_name(name: str) -> None:
    """Raise `Refusal` for what cannot be the name of a policy or a group."""
    size = len(name.encode("utf-8", "surrogateescape"))
    if not 1 <= size <= MAX_NAME_BYTES or " " in name or not name.isprintable():
        raise Refusal(BAD_REQUEST, "a name is empty, too long, not UTF-8, or has a space or control character")


def check_address(text: str, *, ipv6_prefix: int) -> str:
    """The address as a BQN keeps it, IPv6 masked to the global prefix; raises `Refusal` for what is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise Refusal(BAD_REQUEST, "not an address") from None
    if address.version == 4:  # noqa: PLR2004 - the version of IP
        return str(address)
    if address.scope_id is not None:
        raise Refusal(BAD_REQUEST, "an address with a zone")
    return str(ipaddress.IPv6Network((address, ipv6_prefix), strict=False).network_address)


def _check_range(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Refusal(BAD_REQUEST, "subscriberRanges has what is no network") from None


def _texts(body: dict[str, Any], field: str) -> list[str]:
    """The list of texts in `field`, empty when it is not there."""
    value = body.get(field)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Refusal(BAD_REQUEST, f"{field} is not a list of strings")
    return value


def _check_text(field: str, value: Any) -> None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return
    if not isinstance(value, str) or len(value.encode("utf-8", "surrogatepass")) > _MAX_TEXT_BYTES:
        raise Refusal(BAD_REQUEST, f"{field} is not a string of at most {_MAX_TEXT_BYTES} bytes")


def _check_limits(body: dict[str, Any], *, minus_one: bool) -> None:
    for name in LIMITS:
        limit = body.get(name)
        if limit is None:
            continue
        if not isinstance(limit, dict):
            raise Refusal(BAD_REQUEST, f"{name} is not an object")
        for field in ("rate", *BURSTS):
            _check_number(limit.get(field))
        if limit.get("rate") == UNLIMITED and not minus_one:
            raise Refusal(BAD_REQUEST, "rate -1 is out of range")


def _check_number(number: Any) -> None:
    if number is None:
        return
    if isinstance(number, float) and number.is_integer():
        number = int(number)  # 5000.0, as some languages write every number
    if not isinstance(number, int) or isinstance(number, bool) or not -1 <= number <= MAX_RATE:
        raise Refusal(BAD_REQUEST, f"{str(number)[:40]} is out of range")
