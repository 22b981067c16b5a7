"""What a JSON Schema cannot check of a host: networks, names of hosts, files and sources.

Each setting is checked on its own, so that a fault in one hides none in another.
"""

from collections.abc import Collection
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

from generator.documents.nearest import suggestion
from generator.documents.wording import shown
from generator.inventory.reading import HostReading

_NETWORKS = (("networks",), ("select", "cidrs"), ("ignore", "subscribers"), ("gateway", "clients"))


def check_host(read: HostReading, folder: Path, *, sources: Collection[str]) -> None:
    """Keep in `read` what is wrong with its sound settings; `sources` are the names of the billing hosts."""
    if read.sound("host"):
        _check_address(read, str(read.values["host"]))
    if read.sound("tls"):
        _check_ca_file(read, folder)
    for path in _NETWORKS:
        if read.sound(path[0]):
            _check_networks(read, path)
    if read.sound("radius") and read.values["radius"]:
        _check_radius(read)
    if read.sound("sources"):
        _check_sources(read, sources)


def _check_address(read: HostReading, host: str) -> None:
    name, colon, port = host.partition(":")
    if not colon:
        return
    try:
        ip_address(host)
    except ValueError:
        fix = f"write host: {name} and port: {port}" if port.isdecimal() else None
        read.at(("host",), f"{shown(host)} is neither a name nor an address", fix=fix)


def _check_ca_file(read: HostReading, folder: Path) -> None:
    name = read.values["tls"]["ca_file"]
    if name is not None and not (folder / name).is_file():
        fix = "paths count from the inventory folder"
        read.at(("tls", "ca_file"), f"there is no file {folder / name}", fix=fix)


def _check_networks(read: HostReading, path: tuple[str, ...]) -> None:
    texts: Any = read.values
    for part in path:
        texts = texts[part]
    for index, text in enumerate(texts):
        _check_network(read, text, (*path, index))


def _check_network(read: HostReading, text: str, path: tuple[Any, ...]) -> None:
    try:
        ip_network(text)
    except ValueError:
        what, fix = _refused_network(text)
        read.at(path, what, fix=fix)


def _check_radius(read: HostReading) -> None:
    """The networks of the routers, and that each has its secret."""
    for index, client in enumerate(read.values["radius"]["clients"]):
        path = ("radius", "clients", index)
        _check_network(read, client["network"], (*path, "network"))
        if client["secret"] not in read.secrets:
            fix = f"add {client['secret']} to credentials, from the environment or a file"
            read.at((*path, "secret"), f"there is no credential {client['secret']}", fix=fix)


def _refused_network(text: str) -> tuple[str, str]:
    try:
        network = ip_interface(text).network
    except ValueError:
        return f"{shown(text)} is not a network", "write it as 10.20.0.0/16 or 2001:db8::/32"
    return f"{shown(text)} has bits beyond its prefix length", f"write {network}"


def _check_sources(read: HostReading, sources: Collection[str]) -> None:
    for index, name in enumerate(read.values["sources"]):
        if name not in sources:
            fix = suggestion(name, sources) or "add a host to the group billing"
            read.at(("sources", index), f"there is no billing host {shown(name)}", fix=fix)
