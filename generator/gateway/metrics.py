"""The gateway's Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

_NAME = "bqnctl_gateway"


class Metrics:
    """Everything that is counted; names begin with `bqnctl_gateway_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "REST requests answered", "method", "status")
        self.throttled = self._counter("throttled", "Requests refused after too many wrong passwords")
        self.unknown_members = self._counter("unknown_members", "Members of bodies that no BQN knows", "kind")
        self.packets = self._counter("radius_packets", "RADIUS datagrams by what became of them", "result")
        self.objects = self._gauge("objects", "Objects kept", "kind")
        self.sessions = self._gauge("radius_sessions", "Open RADIUS sessions")
        self.commits = self._gauge("store_commits", "Transactions of the store since the start")
        self.rows = self._gauge("store_rows", "Rows written to the store since the start")
        self.failures = self._gauge("store_failures", "Transactions that failed since the start")
        self.last_commit = self._gauge("store_last_commit_timestamp_seconds", "When the store was last written")

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"{_NAME}_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"{_NAME}_{name}", meaning, labels, registry=self.registry)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)
