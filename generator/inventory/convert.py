"""Checked values → the typed settings of a host: networks, durations, paths and pins in their final form.

`values` are whole and valid by the schemas here; what JSON Schema cannot check is checked on the way, and
each problem goes to `HostReading.at`.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Any

from generator.documents.nearest import suggestion
from generator.documents.wording import shown
from generator.inventory.reading import HostReading
from generator.inventory.settings import (
    BillingHost,
    BlockRates,
    BqnHost,
    Guards,
    Ignore,
    Network,
    PlanRates,
    Scaling,
    Select,
)
from generator.net.tls import TlsSettings

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def billing_host(read: HostReading, folder: Path) -> BillingHost:
    """The settings of a billing host whose reading found no problem; new ones are kept in `read`."""
    values = read.values
    return BillingHost(
        name=read.name,
        system=values["system"],
        host=_host(read),
        port=int(values["port"]),
        timeout_s=float(values["timeout"]),
        tls=_tls(read, folder),
        credentials=read.secrets,
        mode=values["mode"],
        subscriber_id=values["subscriber_id"],
        block_inactive=values["block_inactive"],
        active_statuses=tuple(values["active_statuses"]),
        block_on=values["block_on"],
        rate_scaling=_scaling(values["rate_scaling"]),
        policy_names=values["policy_names"],
        subscriber_groups=values["subscriber_groups"],
        dual_stack_groups=values["dual_stack_groups"],
        ip_versions=tuple(int(version) for version in values["ip_versions"]),
        ipv6_prefix=int(values["ipv6_prefix"]),
        zero_rate=values["zero_rate"],
        block_rates=BlockRates(**_whole(values["block_rates"])),
        networks=_networks(read, ("networks",), values["networks"]),
        keep_absent_s=seconds(values["keep_absent"]),
        services_per_ip=values["services_per_ip"],
        plan_rates=_rates(values["plan_rates"]),
        equipment_categories=tuple(int(category) for category in values["equipment_categories"]),
        requests_per_second=None if values["requests_per_second"] is None else float(values["requests_per_second"]),
        max_shrink_percent=int(values["max_shrink_percent"]),
    )


def bqn_host(read: HostReading, folder: Path, *, billing: Mapping[str, Any]) -> BqnHost:
    """The settings of a BQN; `billing` are all billing hosts, which are its sources unless it names some."""
    values, ignore, select = read.values, read.values["ignore"], read.values["select"]
    return BqnHost(
        name=read.name,
        host=_host(read),
        port=int(values["port"]),
        timeout_s=float(values["timeout"]),
        tls=_tls(read, folder),
        username=read.secrets["username"],
        password=read.secrets["password"],
        sources=_sources(read, billing),
        select=Select(cidrs=_networks(read, ("select", "cidrs"), select["cidrs"]), groups=tuple(select["groups"])),
        max_connections=int(values["max_connections"]),
        prune=values["prune"],
        ignore=Ignore(
            policies=tuple(ignore["policies"]),
            subscribers=_networks(read, ("ignore", "subscribers"), ignore["subscribers"]),
            groups=tuple(ignore["groups"]),
        ),
        managed_groups=tuple(values["managed_groups"]),
        guards=Guards(**_whole(values["guards"])),
        group_capacity=_rates(values["group_capacity"]),
        ipv6_prefix=int(values["ipv6_prefix"]),
    )


def seconds(duration: str | int) -> int:
    """A duration such as 48h, 30m, 2d, 90s or 0 in seconds; the schema has seen that it is one."""
    text = str(duration)
    return int(text[:-1]) * _SECONDS[text[-1]] if text[-1] in _SECONDS else 0


def _whole(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's whole numbers may be written 1.0; here they become int."""
    return {name: None if value is None else int(value) for name, value in values.items()}


def _scaling(value: Any) -> Scaling:
    if isinstance(value, Mapping):
        return Scaling(**_whole(value))
    return Scaling(download=int(value), upload=int(value))


def _rates(value: Mapping[str, Any]) -> dict[str, PlanRates]:
    return {name: PlanRates(**_whole(rates)) for name, rates in value.items()}


def _host(read: HostReading) -> str:
    host = str(read.values["host"])
    name, colon, port = host.partition(":")
    if colon:
        try:
            ip_address(host)
        except ValueError:
            fix = f"write host: {name} and port: {port}" if port.isdecimal() else None
            read.at(("host",), f"{shown(host)} is neither a name nor an address", fix=fix)
    return host


def _tls(read: HostReading, folder: Path) -> TlsSettings:
    tls = read.values["tls"]
    pin, ca_file = tls["fingerprint_sha256"], None
    if tls["ca_file"] is not None:
        ca_file = folder / tls["ca_file"]
        if not ca_file.is_file():
            fix = "paths count from the inventory folder"
            read.at(("tls", "ca_file"), f"there is no file {ca_file}", fix=fix)
    return TlsSettings(
        verify=tls["verify"],
        ca_file=ca_file,
        fingerprint_sha256=None if pin is None else pin.replace(":", "").lower(),
    )


def _networks(read: HostReading, path: tuple[Any, ...], texts: list[str]) -> tuple[Network, ...]:
    found: list[Network] = []
    for index, text in enumerate(texts):
        try:
            found.append(ip_network(text))
        except ValueError:
            what, fix = _refused_network(text)
            read.at((*path, index), what, fix=fix)
    return tuple(found)


def _refused_network(text: str) -> tuple[str, str]:
    try:
        network = ip_interface(text).network
    except ValueError:
        return f"{shown(text)} is not a network", "write it as 10.20.0.0/16 or 2001:db8::/32"
    return f"{shown(text)} has bits beyond its prefix length", f"write {network}"


def _sources(read: HostReading, billing: Mapping[str, Any]) -> tuple[str, ...]:
    if "sources" not in read.values:
        return tuple(billing)
    for index, name in enumerate(read.values["sources"]):
        if name not in billing:
            fix = suggestion(name, billing) or "add a host to the group billing"
            read.at(("sources", index), f"there is no billing host {shown(name)}", fix=fix)
    return tuple(read.values["sources"])
