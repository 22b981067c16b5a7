"""The ISPCube connector: what ISPCube pushed to a gateway, or its own API (facts: systems that push, 4)."""

from collections.abc import Iterator

from generator.billing import pushed
from generator.billing.ispcube import pulled
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_PULL = "pull"


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the ISPCube of `host` says, whole: what it pushed or, with `mode: pull`, what its API answers.

    Raises `SourceError` when it cannot be read whole.
    """
    return pulled.read(host, retry=retry) if host.mode == _PULL else pushed.read(host, retry=retry)


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The collections of the gateway or, with `mode: pull`, the token and each list of the API."""
    return pulled.probe(host, retry=retry) if host.mode == _PULL else pushed.probe(host, retry=retry)
