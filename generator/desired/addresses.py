"""Addresses as billing systems write them → keys of subscribers and ranges of groups, strictly."""

import re
from collections.abc import Iterable
from enum import Enum, auto
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from socket import AF_INET, inet_pton

from msgspec import Struct

from generator.desired.names import clean_text
from generator.inventory.settings import BillingHost, Network

MIN_RANGE_PREFIX = 32
"""A shorter IPv6 prefix is a provider's, not a subscriber's."""

_LENGTH = re.compile("[0-9]{1,3}")
_V4_BITS, _V6_BITS = 32, 128


class Use(Enum):
    """What an address of a billing record is good for."""

    KEY = auto()
    RANGE = auto()
    REFUSED = auto()
    OTHER_FAMILY = auto()


class Parsed(Struct, frozen=True, gc=False):
    """An address read: its use, its canonical text (as written where refused), and why it is refused."""

    use: Use
    text: str
    reason: str = ""


class _Span(Struct, frozen=True, gc=False):
    low: int
    high: int
    what: str = ""


def _spans(networks: Iterable[Network], what: str = "") -> tuple[_Span, ...]:
    return tuple(_Span(int(net.network_address), int(net.broadcast_address), what) for net in networks)


def _never(**kinds: tuple[str, ...]) -> tuple[_Span, ...]:
    return tuple(
        span
        for what, networks in kinds.items()
        for span in _spans(map(ip_network, networks), f"{what.replace('_', '-')} address")
    )


_NEVER = {
    4: _never(
        unspecified=("0.0.0.0/8",), loopback=("127.0.0.0/8",), link_local=("169.254.0.0/16",),
        multicast=("224.0.0.0/4",), broadcast=("255.255.255.255/32",),
    ),
    6: _never(
        unspecified=("::/128",), loopback=("::1/128",), link_local=("fe80::/10",), multicast=("ff00::/8",),
    ),
}  # fmt: skip


class AddressRules:
    """What a billing host's settings say about addresses, made ready to be asked 100,000 times."""

    def __init__(self, host: BillingHost) -> None:
        self._versions = frozenset(host.ip_versions)
        self._prefix = host.ipv6_prefix
        self._ranges = host.dual_stack_groups
        self._limited = bool(host.networks)
        self._inside = {version: _spans(net for net in host.networks if net.version == version) for version in (4, 6)}

    def parse(self, written: str) -> Parsed:
        """What `written` is good for; every refusal has its reason."""
        number = _plain_v4(written)
        if number is not None:
            return self._v4(number, written, None, written)
        return self._parse_unusual(written)

    def _parse_unusual(self, written: str) -> Parsed:
        text, slash, length_text = written.strip().partition("/")
        length = int(length_text) if _LENGTH.fullmatch(length_text) else None
        if (slash and length is None) or (length or 0) > _V6_BITS:
            return _refuse(written, "not an IP address")
        try:
            if ":" not in text:
                return self._v4(int(IPv4Address(text)), text, length, written)
            address = IPv6Address(text)
        except AddressValueError:
            return _refuse(written, "not an IP address")
        if address.scope_id is not None:
            return _refuse(written, "an address with a zone")
        if address.ipv4_mapped is not None:
            mapped = None if length is None else length - (_V6_BITS - _V4_BITS)
            return self._v4(int(address.ipv4_mapped), str(address.ipv4_mapped), mapped, written)
        return self._v6(int(address), length, written)

    def _v4(self, number: int, text: str, length: int | None, written: str) -> Parsed:
        if length not in (None, _V4_BITS):
            return _refuse(written, f"a network (/{length}), not one address")
        if 4 not in self._versions:  # noqa: PLR2004 - the IP version
            return Parsed(Use.OTHER_FAMILY, text)
        why = self._outside(4, number, number)
        return _refuse(written, why) if why else Parsed(Use.KEY, text)

    def _v6(self, number: int, length: int | None, written: str) -> Parsed:
        if 6 not in self._versions:  # noqa: PLR2004 - the IP version
            return Parsed(Use.OTHER_FAMILY, str(IPv6Address(number)))
        bits = self._prefix if length is None else length
        host_mask = (1 << (_V6_BITS - bits)) - 1
        network = number & ~host_mask
        why = self._outside(6, number, number) or self._outside(6, network, network | host_mask)
        if not why and bits != self._prefix:
            why = self._no_range(bits)
        if why:
            return _refuse(written, why)
        text = str(IPv6Address(network))
        return Parsed(Use.KEY, text) if bits == self._prefix else Parsed(Use.RANGE, f"{text}/{bits}")

    def _no_range(self, bits: int) -> str:
        if not self._ranges:
            return f"a /{bits}, not the /{self._prefix} of ipv6_prefix"
        return f"a /{bits} is more than one subscriber's" if bits < MIN_RANGE_PREFIX else ""

    def _outside(self, version: int, low: int, high: int) -> str:
        for span in _NEVER[version]:
            if span.low <= low <= span.high:
                return span.what
        if self._limited and not any(span.low <= low and high <= span.high for span in self._inside[version]):
            return "outside the networks of the inventory"
        return ""


def _plain_v4(text: str) -> int | None:
    """The number of an IPv4 address in its one canonical form, which nearly all are; None for other texts."""
    try:
        return int.from_bytes(inet_pton(AF_INET, text))
    except (OSError, ValueError):  # no such address; not ASCII, or a NUL in it
        return None


def _refuse(written: str, reason: str) -> Parsed:
    return Parsed(Use.REFUSED, clean_text(written), reason)
