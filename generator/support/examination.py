"""Every host examined, several at a time: what `doctor` shows and what goes to the support."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from msgspec import Struct

from generator.billing.read import probe_source
from generator.bqn.probe import probe_appliance
from generator.errors import BqnctlError
from generator.inventory.settings import BillingHost, BqnHost
from generator.net.probe import Probe

_AT_ONCE = 8


class Examined(Struct, frozen=True, kw_only=True):
    """A host and how every step went."""

    host: str
    kind: str
    address: str
    probes: tuple[Probe, ...]

    @property
    def is_well(self) -> bool:
        """Whether everything that is needed works."""
        return not any(each.problem and each.needed for each in self.probes)


def examine(billing: Iterable[BillingHost], bqn: Iterable[BqnHost]) -> Iterator[Examined]:
    """Examine the hosts, at most eight at once; reads only. In the order given, each as soon as it is known."""
    work = [partial(_examined, host, host.system, probe_source) for host in billing]
    work += [partial(_examined, host, "bqn", probe_appliance) for host in bqn]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as threads:
        yield from threads.map(lambda examined: examined(), work)


def _examined(host: BillingHost | BqnHost, kind: str, probe: Callable[..., Iterator[Probe]]) -> Examined:
    probes: list[Probe] = []
    try:
        probes.extend(probe(host))
    except BqnctlError as error:
        probes.append(Probe(what="settings", problem=error.what, fix=error.fix))
    return Examined(host=host.name, kind=kind, address=f"{host.host}:{host.port}", probes=tuple(probes))
