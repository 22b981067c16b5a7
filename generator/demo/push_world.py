"""The world of `bqnctl demo --push`: two gateways, a billing that pushes, a router, and a BQN, all on loopback."""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from generator.billing.pushed import endpoint
from generator.bqn.client import BqnClient
from generator.bqn.server.simulator import SimulatorOptions, running
from generator.demo.nas import Router
from generator.demo.pushed import PushedData, sample
from generator.documents.files import write_atomically
from generator.gateway.service import Running
from generator.gateway.service import running as gateway_running
from generator.gateway.settings import gateway_settings
from generator.inventory.load import load_inventory
from generator.net.certificate import ensure_certificate
from generator.net.serve import free_port

PUSHED, ROUTED, APPLIANCE = "gestfy-demo", "microwisp-demo", "bqn-demo"
CUSTOMERS = 200
_SEED = 7
_SECRET = "demo-radius-secret"  # noqa: S105 - a loopback router's own
_USER = "demo"


class PushWorld(Struct, frozen=True, kw_only=True):
    """What runs: the inventory, the pushing billing's data and its way to the gateway, the router."""

    folder: Path
    billing: PushedData
    client: BqnClient
    router: Router
    gateways: dict[str, Running]


@contextmanager
def push_world(folder: Path) -> Iterator[PushWorld]:
    """Write the inventory to `folder`, which must not exist, and run all of it until the block ends."""
    certificate = ensure_certificate(folder / "gateway" / "tls.pem")
    with contextlib.ExitStack() as stack:
        options = SimulatorOptions(username=_USER, password=_USER)
        _, bqn = stack.enter_context(running(options, certificate=certificate))
        pin = certificate.fingerprint_sha256
        _write(folder, pin=pin, bqn_port=bqn.port)
        hosts = load_inventory(folder, environ={}).billing
        gateways = {name: stack.enter_context(gateway_running(gateway_settings(host))) for name, host in hosts.items()}
        client = stack.enter_context(BqnClient(endpoint(hosts[PUSHED])))
        router = Router("127.0.0.1", gateways[ROUTED].radius_port or 0, secret=_SECRET, name="Cerro Alto")
        stack.callback(router.close)
        yield PushWorld(
            folder=folder, billing=sample(CUSTOMERS, _SEED), client=client, router=router, gateways=gateways
        )  # fmt: skip


def _write(folder: Path, *, pin: str, bqn_port: int) -> None:
    user = {"username": _USER, "password": _USER}
    gateway = {"certificate": "gateway/tls.pem", "metrics": {"port": 0}}
    billing: dict[str, Any] = {
        PUSHED: {"system": "gestfy", "port": free_port(), "credentials": user, "gateway": gateway},
        ROUTED: {
            "system": "microwisp", "port": free_port(), "gateway": gateway,
            "credentials": {**user, "radius_secret": _SECRET}, "blocked_policies": ["morosos"],
            "radius": {"port": 0, "clients": [{"network": "127.0.0.0/8", "secret": "radius_secret"}]},
        },
    }  # fmt: skip
    everybody = {"host": "127.0.0.1", "timeout": 10, "tls": {"fingerprint_sha256": pin}}
    # One change of twenty sessions is a tenth of them: the demo's guards are a small network's.
    bqn = {APPLIANCE: {"port": bqn_port, "credentials": user, "guards": {"max_delete_percent": 20}}}
    groups = {"billing": {"hosts": billing}, "bqn": {"hosts": bqn}}
    text = yaml.safe_dump({"all": {"vars": everybody, "children": groups}}, sort_keys=False)
    write_atomically(folder / "hosts.yml", text.encode())
