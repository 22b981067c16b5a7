"""Checked values → the typed settings of a host: networks, durations, paths and pins in their final form.

The values are whole and checked: nothing here can fail.
"""

from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

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
from generator.inventory.shape import own_settings
from generator.net.tls import TlsSettings

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def billing_host(read: HostReading, folder: Path) -> BillingHost:
    """The settings of a billing host whose reading found no problem."""
    values = read.values
    return BillingHost(
        name=read.name,
        system=values["system"],
        host=values["host"],
        port=int(values["port"]),
        timeout_s=float(values["timeout"]),
        tls=tls_settings(values["tls"], folder),
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
        networks=_networks(values["networks"]),
        keep_absent_s=seconds(values["keep_absent"]),
        services_per_ip=values["services_per_ip"],
        plan_rates=_rates(values["plan_rates"]),
        equipment_categories=tuple(int(category) for category in values["equipment_categories"]),
        requests_per_second=None if values["requests_per_second"] is None else float(values["requests_per_second"]),
        max_shrink_percent=int(values["max_shrink_percent"]),
        max_block_percent=int(values["max_block_percent"]),
        options={name: values.get(name) for name in own_settings(values["system"])},
        folder=folder,
    )


def bqn_host(read: HostReading, folder: Path, *, sources: Iterable[str]) -> BqnHost:
    """The settings of a BQN without problems; `sources` are its billing hosts unless it names some."""
    values, ignore, select = read.values, read.values["ignore"], read.values["select"]
    return BqnHost(
        name=read.name,
        host=values["host"],
        port=int(values["port"]),
        timeout_s=float(values["timeout"]),
        tls=tls_settings(values["tls"], folder),
        username=read.secrets["username"],
        password=read.secrets["password"],
        sources=tuple(values.get("sources", sources)),
        select=Select(cidrs=_networks(select["cidrs"]), groups=tuple(select["groups"])),
        max_connections=int(values["max_connections"]),
        prune=values["prune"],
        ignore=Ignore(
            policies=tuple(ignore["policies"]),
            subscribers=_networks(ignore["subscribers"]),
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


def tls_settings(tls: Mapping[str, Any], folder: Path) -> TlsSettings:
    """The checked `tls` of a host, every default filled in; files count from `folder`."""
    pin, ca_file = tls["fingerprint_sha256"], tls["ca_file"]
    return TlsSettings(
        verify=tls["verify"],
        ca_file=None if ca_file is None else folder / ca_file,
        fingerprint_sha256=None if pin is None else pin.replace(":", "").lower(),
    )


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
