"""The RADIUS accounting server: datagrams in, responses out once the record is on disk."""

import asyncio
import logging
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import cast

from generator.gateway.commit import GroupCommit
from generator.gateway.radius.packet import Accounting, BadPacketError, packet_key, read_packet
from generator.gateway.settings import RadiusClient
from generator.inventory.settings import Network

_log = logging.getLogger(__name__)
_REMEMBERED = 65_536
_REMEMBER_S = 60.0
_MOST_WAITING = 20_000
_RECEIVE_BYTES = 8 << 20

_Address = tuple[str, int]
_Key = tuple[_Address, bytes]
Take = Callable[[Accounting, str], None]
Count = Callable[[str], None]
"""Counts what became of a datagram: accepted, duplicate, or why it was dropped."""


class AccountingServer(asyncio.DatagramProtocol):
    """Answers accounting of known clients; all else is counted and dropped without an answer.

    `take` follows a record (memory and what is to be stored); the answer leaves when `commit` has it on disk.
    """

    def __init__(
        self, clients: Sequence[RadiusClient], *, take: Take, commit: GroupCommit, count: Count
    ) -> None:  # fmt: skip
        self._clients = [
            (each.network, each.secret.reveal().encode())
            for each in sorted(clients, key=lambda each: each.network.prefixlen, reverse=True)
        ]
        self._take, self._commit, self._count = take, commit, count
        self._transport: asyncio.DatagramTransport | None = None
        self._secrets: dict[str, bytes | None] = {}
        self._answers: OrderedDict[_Key, tuple[float, bytes | None]] = OrderedDict()
        self._waiting = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is one without saying so

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        """Take one datagram, whatever it is."""
        try:
            self._receive(data, (addr[0], addr[1]))
        except BadPacketError as error:
            self._count(error.reason)
            _log.debug("RADIUS: %s: dropped: %s", addr[0], error)
        except Exception:  # noqa: BLE001 - a packet must never stop the server, whatever it brings to light
            self._count("failed")
            _log.exception("RADIUS: a packet from %s could not be handled", addr[0])

    def _receive(self, data: bytes, addr: _Address) -> None:
        secret = self._secret_of(addr[0])
        if secret is None:
            raise BadPacketError("unknown-client")
        key = (addr, packet_key(data))
        if key in self._answers:
            self._count("duplicate")
            _, answer = self._answers[key]
            if answer is not None:
                self._send(answer, addr)
            return
        if self._waiting >= _MOST_WAITING:
            raise BadPacketError("overload", "too many records wait for the disk")
        if self._commit.failed is not None:
            raise BadPacketError("store-failing", str(self._commit.failed))
        record = read_packet(data, secret, now_s=time.time())
        self._remember(key, None)
        self._take(record, addr[0])
        self._waiting += 1
        self._commit.when_settled(partial(self._answer, key, record.reply))

    def _answer(self, key: _Key, reply: bytes, stored: bool) -> None:  # noqa: FBT001 - the commit's callback
        self._waiting -= 1
        if not stored:
            self._answers.pop(key, None)  # it will be sent again, and is then a new record
            self._count("not-stored")
            return
        self._count("accepted")
        self._answers[key] = (time.monotonic(), reply)
        self._send(reply, key[0])

    def _send(self, reply: bytes, addr: _Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(reply, addr)

    def _remember(self, key: _Key, reply: bytes | None) -> None:
        """Remember a packet for as long as a router may send it again."""
        now_s = time.monotonic()
        self._answers[key] = (now_s, reply)
        while self._answers:
            oldest, (at_s, _) = next(iter(self._answers.items()))
            if len(self._answers) <= _REMEMBERED and now_s - at_s < _REMEMBER_S:
                return
            del self._answers[oldest]

    def _secret_of(self, address: str) -> bytes | None:
        """The secret of a client's network, the narrowest one; None for an unknown client."""
        if address not in self._secrets:
            if len(self._secrets) >= _REMEMBERED:
                self._secrets.clear()
            self._secrets[address] = self._find(address)
            if self._secrets[address] is None:
                _log.warning("RADIUS: %s is not among the clients: its packets are dropped", address)
        return self._secrets[address]

    def _find(self, address: str) -> bytes | None:
        there = ip_address(address.partition("%")[0])
        mapped = getattr(there, "ipv4_mapped", None)
        there = mapped or there
        return next((secret for network, secret in self._clients if _inside(there, network)), None)


def _inside(address: object, network: Network) -> bool:
    return getattr(address, "version", 0) == network.version and address in network


async def listen(
    server: AccountingServer, *, host: str, port: int
) -> asyncio.DatagramTransport:  # fmt: skip
    """Bind the accounting port; raises `OSError`."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=(host, port))
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
    return transport
