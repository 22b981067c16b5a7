"""Accounting packets: read as an independent decoder reads them, stable when sent again, refused in one way only.

Input: a datagram as it comes; the same bytes are also taken for the attributes of a packet that is signed.
"""

import hashlib
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

from generator.billing.radius.attributes import choose
from generator.demo.nas import accounting
from generator.desired.names import clean_text
from generator.gateway.radius.packet import Accounting, BadPacketError, canonical_mac, read_packet
from tests.fuzz.oracle import must

SECRET = "fuzz-secret"
NOW_S = 1_750_000_000.0
_ACCOUNTING_REQUEST, _ACCOUNTING_RESPONSE, _VENDOR, _MESSAGE_AUTHENTICATOR = 4, 5, 26, 80
_MAX_ATTRIBUTES = 4096 - 20
_REASONS = frozenset(
    {"bad-length", "not-accounting", "bad-attribute", "bad-authenticator", "unknown-status", "no-session"}
)
_TEXTS: dict[Any, str] = {
    1: "User-Name", 11: "Filter-Id", 25: "Class", 30: "Called-Station-Id", 31: "Calling-Station-Id",
    32: "NAS-Identifier", 44: "Acct-Session-Id", 87: "NAS-Port-Id",
    (14988, 8): "Mikrotik-Rate-Limit", (14988, 19): "Mikrotik-Address-List",
}  # fmt: skip
_NUMBERS: dict[Any, str] = {
    5: "NAS-Port", 40: "Acct-Status-Type", 41: "Acct-Delay-Time", 46: "Acct-Session-Time", 55: "Event-Timestamp",
    (529, 197): "Ascend-Data-Rate", (529, 255): "Ascend-Xmit-Rate", 197: "Ascend-Data-Rate", 255: "Ascend-Xmit-Rate",
    (14122, 7): "WISPr-Bandwidth-Max-Up", (14122, 8): "WISPr-Bandwidth-Max-Down",
    (2011, 2): "Huawei-Input-Average-Rate", (2011, 5): "Huawei-Output-Average-Rate",
}  # fmt: skip
_ADDRESSES: dict[Any, str] = {4: "NAS-IP-Address", 8: "Framed-IP-Address"}


def check(data: bytes) -> None:
    """One datagram as it is, and as the attributes of an authentic one."""
    _read(data)
    packet = signed(data[:_MAX_ATTRIBUTES])
    record = _read(packet)
    if record is None:
        return
    must(_authentic_reply(packet, record.reply), "the answer is signed for its request", record.reply)
    attributes = dict(_attributes(packet[20:]))
    must(dict(record.values) == attributes, "another decoder reads the same", dict(record.values), attributes)
    chosen = choose(record.values)
    must(all(len(clean_text(each)) <= 500 for each in chosen.complaints), "complaints are short", chosen)
    _sent_again(record)


def signed(attributes: bytes, code: int = _ACCOUNTING_REQUEST) -> bytes:
    """A packet with these attributes and the authenticator that RFC 2866 wants."""
    head = struct.pack("!BBH", code, 7, 20 + len(attributes))
    digest = hashlib.md5(head + bytes(16) + attributes + SECRET.encode()).digest()
    return head + digest + attributes


def _read(data: bytes) -> Accounting | None:
    try:
        return read_packet(data, SECRET.encode(), now_s=NOW_S)
    except BadPacketError as error:
        must(error.reason in _REASONS, "a reason that the counters know", error.reason)
        must(len(str(error)) <= 200, "the detail is short", str(error))
        return None


def _authentic_reply(request: bytes, reply: bytes) -> bool:
    expected = hashlib.md5(reply[:4] + request[4:20] + reply[20:] + SECRET.encode()).digest()
    return reply[0] == _ACCOUNTING_RESPONSE and reply[1] == request[1] and reply[4:20] == expected


def _sent_again(record: Accounting) -> None:
    """Encoded by the emulated router from what was read, and read again."""
    values = {name: list(texts) for name, texts in record.values.items()}
    if any(not text or len(text.encode()) > 247 for texts in values.values() for text in texts):
        return  # no attribute holds that: what replaces a byte that is not UTF-8 has three
    again = _read(accounting(values, secret=SECRET))
    must(again is not None, "what was read can be sent", values)
    if again is not None:
        must(again.values == record.values, "and is read the same", record.values, again.values)
        must((again.status, again.event_s, again.started_s) == (record.status, record.event_s, record.started_s), "so")


def _attributes(data: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every attribute with a name of ours and its values, in the order of the first of each."""
    found: dict[Any, list[bytes]] = {}
    for code, value in _split(data):
        found.setdefault(code, []).append(value)
    values: dict[str, tuple[str, ...]] = {}
    for code, raw in found.items():
        name = _TEXTS.get(code) or _NUMBERS.get(code) or _ADDRESSES.get(code)
        read = tuple(text for each in raw if (text := _value(code, each)) is not None)
        if name and read:
            values[name] = values.get(name, ()) + read
    yield from values.items()


def _split(data: bytes) -> Iterator[tuple[Any, bytes]]:
    """Type and value of each; those of a vendor apart, where its attribute is divided to the last byte."""
    while data:
        code, size = data[0], data[1]
        value, data = data[2:size], data[size:]
        parts = _vendor_parts(value) if code == _VENDOR else None
        if parts is None:
            yield code, value
        else:
            yield from parts


def _vendor_parts(value: bytes) -> list[tuple[Any, bytes]] | None:
    if len(value) < 6:
        return None
    vendor, rest = int.from_bytes(value[:4]), value[4:]
    parts = []
    while rest:
        if len(rest) < 2 or not 2 <= rest[1] <= len(rest):
            return None
        parts.append(((vendor, rest[0]), rest[2 : rest[1]]))
        rest = rest[rest[1] :]
    return parts


def _value(code: Any, raw: bytes) -> str | None:
    if code in _TEXTS:
        text = raw.decode("utf-8", "replace")
        start, end = 0, len(text)
        while end and (text[end - 1] == "\x00" or text[end - 1].isspace()):
            end -= 1
        while start < end and text[start].isspace():
            start += 1
        return canonical_mac(text[start:end]) if code == 31 else text[start:end]
    if len(raw) != 4:
        return None
    return str(IPv4Address(raw)) if code in _ADDRESSES else str(int.from_bytes(raw))
