"""What `bqnctl doctor` asks of a BQN: each collection that a plan reads, one by one."""

from collections.abc import Iterator
from functools import partial

from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.inventory.settings import BqnHost
from generator.net.probe import Probe, tried
from generator.net.reach import reach


def probe_appliance(host: BqnHost) -> Iterator[Probe]:
    """The way to a BQN, its credentials, and the read of each collection; a doctor writes nothing."""
    for step in reach(host.host, host.port, tls=host.tls, timeout_s=host.timeout_s):
        yield step
        if step.problem and step.needed:
            return
    with BqnClient(host) as client:
        for kind in Kind:
            yield tried(f"read {kind.plural}", partial(look, client, kind))


def look(client: BqnClient, kind: Kind) -> str:
    """How many objects of a kind there are, and one of them; raises `ApplianceError`."""
    keys = client.read_keys(kind)
    return f"{len(keys)} {kind.plural}, for example {keys[0]!r}" if keys else f"no {kind.plural}"
