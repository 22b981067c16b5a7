"""What a billing host says about its gateway, as typed settings."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from msgspec import Struct

from generator.billing.radius.attributes import ORDER
from generator.errors import UsageError
from generator.gateway.radius.intake import IntakeOptions
from generator.inventory.convert import seconds
from generator.inventory.secret import Secret
from generator.inventory.settings import BillingHost, Network

FOLDER = "gateway"
"""Where in the inventory's folder the store and the certificate are, unless it says otherwise."""


class RadiusClient(Struct, frozen=True, kw_only=True):
    """Routers that may send accounting, and the secret they share with the gateway."""

    network: Network
    secret: Secret


class RadiusSettings(Struct, frozen=True, kw_only=True):
    """The accounting server: where it listens, for whom, and what it makes of a record."""

    listen: str
    port: int
    clients: tuple[RadiusClient, ...]
    intake: IntakeOptions


class GatewaySettings(Struct, frozen=True, kw_only=True):
    """One gateway: the source it serves, its REST door, its store, its metrics, and RADIUS if any."""

    source: str
    listen: str
    port: int
    clients: tuple[Network, ...]
    users: Mapping[str, Secret]
    store: str
    store_password: Secret | None
    certificate: Path
    metrics_listen: str
    metrics_port: int
    max_body_bytes: int
    ipv6_prefix: int
    radius: RadiusSettings | None


def gateway_settings(host: BillingHost) -> GatewaySettings:
    """The settings of the gateway that `host` is fed by; raises `UsageError` for a host without one."""
    options = host.options.get("gateway")
    if not isinstance(options, Mapping) or host.mode not in ("gateway", "push"):
        raise UsageError(
            f"{host.name} is not fed by a gateway (system {host.system}, mode {host.mode})",
            fix="`gateway` is for systems that push: see docs/gateway.md",
        )
    folder = host.folder / FOLDER
    users = {host.credentials["username"].reveal(): host.credentials["password"]}
    if "push_username" in host.credentials:
        users[host.credentials["push_username"].reveal()] = host.credentials["push_password"]
    return GatewaySettings(
        source=host.name,
        listen=options["listen"],
        port=host.port,
        clients=_networks(options["clients"]),
        users=users,
        store=_store(options["store"], folder, host),
        store_password=host.credentials.get("store_password"),
        certificate=folder / f"{host.name}.pem" if options["certificate"] is None
        else host.folder / options["certificate"],
        metrics_listen=options["metrics"]["listen"],
        metrics_port=int(options["metrics"]["port"]),
        max_body_bytes=int(options["max_body_bytes"]),
        ipv6_prefix=host.ipv6_prefix,
        radius=_radius(host),
    )  # fmt: skip


def _store(url: str | None, folder: Path, host: BillingHost) -> str:
    """The store's URL; a SQLite file is relative to the inventory's folder."""
    if url is None:
        return f"sqlite:///{(folder / f'{host.name}.db').absolute()}"
    scheme, slashes, file = url.partition(":///")
    if scheme.startswith("sqlite") and slashes and file and file != ":memory:":
        return f"{scheme}:///{(host.folder / file).absolute()}"
    return url


def _radius(host: BillingHost) -> RadiusSettings | None:
    options: Any = host.options.get("radius")
    if options is None:
        return None
    timeout_s = seconds(options["session_timeout"] or 0)
    return RadiusSettings(
        listen=options["listen"],
        port=int(options["port"]),
        clients=tuple(
            RadiusClient(network=ip_network(each["network"]), secret=host.credentials[each["secret"]])
            for each in options["clients"]
        ),
        intake=IntakeOptions(
            system=host.system,
            subscriber_id=host.subscriber_id if host.subscriber_id != "subscriber_id" else "user_name",
            group_attribute=options["group_attribute"] if host.subscriber_groups else None,
            rate_attributes=tuple(options["rate_attributes"] or ORDER),
            swapped=options["swapped"],
            session_timeout_s=float(timeout_s) or None,
        ),
    )


def _networks(texts: list[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)
