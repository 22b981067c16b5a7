"""Accounting-Requests verified and read, and their responses; pyrad is the codec (docs/decisions/0006-gateway.md).

What is read is what tells who has which address at which rate; everything else is left alone
(facts: RADIUS systems, 3 and 4).
"""

import re
import struct
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from msgspec import Struct
from pyrad.dictionary import Dictionary
from pyrad.packet import AccountingRequest, AcctPacket, PacketError

MAX_PACKET_BYTES = 4096
_HEADER_BYTES = 20
_MIN_ATTRIBUTE_BYTES = 2
_CLOCK_TOLERANCE_S = 600
_START, _STOP, _INTERIM, _ON, _OFF = 1, 2, 3, 7, 8
STATUS_NAMES = {_START: "start", _STOP: "stop", _INTERIM: "interim", _ON: "on", _OFF: "off"}
_MAC = re.compile(r"[0-9A-Fa-f]{12}")

_TEXT, _ADDRESS, _INTEGER = "text", "address", "integer"
_MIKROTIK, _ASCEND, _WISPR, _HUAWEI = 14988, 529, 14122, 2011
_ATTRIBUTES: Mapping[Any, tuple[str, str]] = {
    1: ("User-Name", _TEXT),
    4: ("NAS-IP-Address", _ADDRESS),
    5: ("NAS-Port", _INTEGER),
    8: ("Framed-IP-Address", _ADDRESS),
    11: ("Filter-Id", _TEXT),
    25: ("Class", _TEXT),
    30: ("Called-Station-Id", _TEXT),
    31: ("Calling-Station-Id", _TEXT),
    32: ("NAS-Identifier", _TEXT),
    40: ("Acct-Status-Type", _INTEGER),
    41: ("Acct-Delay-Time", _INTEGER),
    44: ("Acct-Session-Id", _TEXT),
    46: ("Acct-Session-Time", _INTEGER),
    55: ("Event-Timestamp", _INTEGER),
    87: ("NAS-Port-Id", _TEXT),
    (_MIKROTIK, 8): ("Mikrotik-Rate-Limit", _TEXT),
    (_MIKROTIK, 19): ("Mikrotik-Address-List", _TEXT),
    (_ASCEND, 197): ("Ascend-Data-Rate", _INTEGER),
    (_ASCEND, 255): ("Ascend-Xmit-Rate", _INTEGER),
    197: ("Ascend-Data-Rate", _INTEGER),  # some old routers send the pair without the vendor's wrapping
    255: ("Ascend-Xmit-Rate", _INTEGER),
    (_WISPR, 7): ("WISPr-Bandwidth-Max-Up", _INTEGER),
    (_WISPR, 8): ("WISPr-Bandwidth-Max-Down", _INTEGER),
    (_HUAWEI, 2): ("Huawei-Input-Average-Rate", _INTEGER),
    (_HUAWEI, 5): ("Huawei-Output-Average-Rate", _INTEGER),
}


_NO_NAMES = Dictionary()
"""Without one the codec leaves vendors' attributes undivided; the names are ours."""


class BadPacketError(Exception):
    """A packet that is dropped without an answer; `reason` is a word for the counters."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


class Accounting(Struct, frozen=True, kw_only=True):
    """One accounting record: what happened, when by the router's clock (s), and every known attribute as texts.

    `started_s` is when the session began as far as the packet tells; `reply` answers it, whole.
    """

    status: str
    values: Mapping[str, tuple[str, ...]]
    started_s: float
    event_s: float
    reply: bytes

    def first(self, name: str) -> str:
        """The first value of an attribute, "" without one."""
        found = self.values.get(name)
        return found[0] if found else ""


def read_packet(data: bytes, secret: bytes, *, now_s: float) -> Accounting:
    """The record in a datagram; raises `BadPacketError` for all that is not a sound, authentic Accounting-Request."""
    _check_shape(data)
    packet = _decode(data, secret)
    if not packet.VerifyAcctRequest() or not _message_authenticator_holds(packet):
        raise BadPacketError("bad-authenticator", "the shared secret is another, or the packet was changed")
    values = _values(packet)
    status = STATUS_NAMES.get(_whole(values, "Acct-Status-Type", -1))
    if status is None:
        raise BadPacketError("unknown-status", "Acct-Status-Type is none that is known")
    if status not in ("on", "off") and not values.get("Acct-Session-Id"):
        raise BadPacketError("no-session", "there is no Acct-Session-Id")
    event_s = _event(values, now_s)
    return Accounting(
        status=status,
        values=values,
        event_s=event_s,
        started_s=event_s - (0 if status == "start" else _whole(values, "Acct-Session-Time", 0)),
        reply=packet.CreateReply().ReplyPacket(),
    )


def packet_key(data: bytes) -> bytes:
    """What makes a packet the same as one before, from one source: its identifier and authenticator."""
    return data[1:2] + data[4:_HEADER_BYTES]


def _check_shape(data: bytes) -> None:
    """The lengths, which the codec takes as they come (facts: RADIUS systems, 4)."""
    if not _HEADER_BYTES <= len(data) <= MAX_PACKET_BYTES:
        raise BadPacketError("bad-length", f"{len(data)} bytes")
    if data[0] != AccountingRequest:
        raise BadPacketError("not-accounting", f"code {data[0]}")
    end = int.from_bytes(data[2:4])
    if not _HEADER_BYTES <= end <= len(data):
        raise BadPacketError("bad-length", f"it says {end} bytes and has {len(data)}")
    at = _HEADER_BYTES
    while at < end:
        if end - at < _MIN_ATTRIBUTE_BYTES or not _MIN_ATTRIBUTE_BYTES <= data[at + 1] <= end - at:
            raise BadPacketError("bad-attribute", f"the attribute at byte {at} does not fit")
        at += data[at + 1]


def _decode(data: bytes, secret: bytes) -> AcctPacket:
    try:
        return AcctPacket(packet=data, secret=secret, dict=_NO_NAMES)
    except (PacketError, ValueError, IndexError, KeyError, struct.error) as error:
        raise BadPacketError("bad-attribute", str(error)[:100]) from error


def _message_authenticator_holds(packet: AcctPacket) -> bool:
    if not packet.message_authenticator:
        return True
    try:
        return bool(packet.verify_message_authenticator())
    except (PacketError, ValueError, IndexError, KeyError, struct.error):
        return False


def _values(packet: AcctPacket) -> dict[str, tuple[str, ...]]:
    """Every known attribute that can be read; a value of the wrong length is as if it were not there."""
    values: dict[str, tuple[str, ...]] = {}
    for code, raw in packet.items():
        known = _ATTRIBUTES.get(code)
        if known is None:
            continue
        name, kind = known
        read = tuple(text for each in raw if (text := _text(each, kind)) is not None)
        if read:
            values[name] = values.get(name, ()) + read
    if "Calling-Station-Id" in values:
        values["Calling-Station-Id"] = tuple(map(canonical_mac, values["Calling-Station-Id"]))
    return values


def _text(raw: bytes, kind: str) -> str | None:
    if kind == _TEXT:
        return _bare(raw.decode("utf-8", "replace"))
    if len(raw) != 4:  # noqa: PLR2004 - both are 32 bits
        return None
    return str(IPv4Address(raw)) if kind == _ADDRESS else str(int.from_bytes(raw))


def _bare(text: str) -> str:
    """`text` without blanks around it and what pads its end, in whatever order they come."""
    while (bare := text.strip().rstrip("\x00")) != text:
        text = bare
    return text


def canonical_mac(text: str) -> str:
    """A MAC address in capitals with colons, however it is written; any other text as it is."""
    bare = re.sub(r"[.:-]", "", text)
    if not _MAC.fullmatch(bare):
        return text
    return ":".join(bare[at : at + 2] for at in range(0, 12, 2)).upper()


def _whole(values: Mapping[str, tuple[str, ...]], name: str, default: int) -> int:
    found = values.get(name)
    return int(found[0]) if found else default


def _event(values: Mapping[str, tuple[str, ...]], now_s: float) -> float:
    """When it happened: by the router's own time stamp if its clock is right, else by arrival less the delay."""
    stamp = _whole(values, "Event-Timestamp", 0)
    if abs(stamp - now_s) < _CLOCK_TOLERANCE_S:
        return float(stamp)
    return now_s - _whole(values, "Acct-Delay-Time", 0)
