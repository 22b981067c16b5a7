"""A router on loopback that sends RADIUS accounting as a MikroTik does, and waits for each answer."""

import socket
import struct
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import Any

from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket

_NO_NAMES = Dictionary()
_TEXTS = {"User-Name": 1, "Class": 25, "Called-Station-Id": 30, "Calling-Station-Id": 31, "NAS-Identifier": 32,
          "Acct-Session-Id": 44, "NAS-Port-Id": 87, "Filter-Id": 11, "Proxy-State": 33,
          "Mikrotik-Rate-Limit": (14988, 8), "Mikrotik-Address-List": (14988, 19)}  # fmt: skip
_ADDRESSES = {"NAS-IP-Address": 4, "Framed-IP-Address": 8}
_INTEGERS = {"NAS-Port": 5, "Acct-Status-Type": 40, "Acct-Delay-Time": 41, "Acct-Session-Time": 46,
             "Event-Timestamp": 55, "Ascend-Data-Rate": (529, 197), "Ascend-Xmit-Rate": (529, 255),
             "WISPr-Bandwidth-Max-Up": (14122, 7), "WISPr-Bandwidth-Max-Down": (14122, 8),
             "Huawei-Input-Average-Rate": (2011, 2), "Huawei-Output-Average-Rate": (2011, 5)}  # fmt: skip
START, STOP, INTERIM, ON, OFF = 1, 2, 3, 7, 8
_ANSWER_BYTES = 4096


def accounting(values: Mapping[str, Any], *, secret: str, identifier: int = 1) -> bytes:
    """An Accounting-Request with these attributes, signed."""
    packet = AcctPacket(id=identifier, secret=secret.encode(), dict=_NO_NAMES)
    for name, value in values.items():
        each = value if isinstance(value, list) else [value]
        packet[_code(name)] = [_encoded(name, one) for one in each]
    return bytes(packet.RequestPacket())


def _code(name: str) -> Any:
    return {**_TEXTS, **_ADDRESSES, **_INTEGERS}[name]


def _encoded(name: str, value: Any) -> bytes:
    if name in _TEXTS:
        return value if isinstance(value, bytes) else str(value).encode()
    return IPv4Address(value).packed if name in _ADDRESSES else struct.pack("!L", int(value))


class Router:
    """One NAS: its identity, its secret, and where it sends accounting."""

    def __init__(self, host: str, port: int, *, secret: str, name: str, address: str = "192.0.2.1") -> None:
        self._to, self._secret = (host, port), secret
        self._own = {"NAS-IP-Address": address, "NAS-Identifier": name}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._next = 0

    def close(self) -> None:
        """Close its socket."""
        self._socket.close()

    def send(self, status: int, *, tries: int = 3, timeout_s: float = 3.0, **attributes: Any) -> bool:
        """Send one record, again if need be, as RFC 2866 advises; whether it was answered.

        Attributes are given with `_` for `-`: `User_Name="ana"`.
        """
        values = {name.replace("_", "-"): value for name, value in attributes.items()}
        self._next = (self._next + 1) % 256
        data = accounting(
            {"Acct-Status-Type": status, **self._own, **values}, secret=self._secret, identifier=self._next
        )  # fmt: skip
        return any(self._exchange(data, timeout_s) for _ in range(tries))

    def _exchange(self, data: bytes, timeout_s: float) -> bool:
        self._socket.sendto(data, self._to)
        deadline_s = time.monotonic() + timeout_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                answer = self._socket.recv(_ANSWER_BYTES)
            except TimeoutError:
                return False
            if answer[1] == data[1]:
                return _authentic(data, answer, self._secret)
        return False


def _authentic(request: bytes, answer: bytes, secret: str) -> bool:
    asked = AcctPacket(packet=request, secret=secret.encode(), dict=_NO_NAMES)
    reply = asked.CreateReply(packet=answer)
    return bool(asked.VerifyReply(reply, answer))


def send_many(host: str, port: int, numbers: Iterable[int], *, secret: str, window: int = 32) -> set[int]:
    """Start session `number` of user `number` at its own address for each of `numbers`; those that were answered.

    `window` packets are under way at once; what is not answered in half a second is sent again, for ever.
    """
    todo, answered = iter(numbers), set[int]()
    under_way: dict[int, tuple[int, bytes]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)

        def send_next(identifier: int) -> None:
            number = next(todo, None)
            if number is not None:
                data = accounting(_session(number), secret=secret, identifier=identifier)
                under_way[identifier] = (number, data)
                sock.sendto(data, (host, port))

        for identifier in range(window):
            send_next(identifier)
        while under_way:
            try:
                identifier = sock.recv(_ANSWER_BYTES)[1]
            except TimeoutError:
                for _, data in under_way.values():
                    sock.sendto(data, (host, port))
                continue
            if identifier in under_way:
                answered.add(under_way.pop(identifier)[0])
                send_next(identifier)
    return answered


def _session(number: int) -> dict[str, Any]:
    return {
        "Acct-Status-Type": START, "Acct-Session-Id": f"s{number}", "User-Name": f"user{number}",
        "NAS-IP-Address": "192.0.2.1", "NAS-Identifier": "tower 1",
        "Framed-IP-Address": IPv4Address(0x0A000001 + number), "Mikrotik-Rate-Limit": f"{number % 20 + 1}M/50M",
    }  # fmt: skip
