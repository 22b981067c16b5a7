"""The gateway's Prometheus metrics, and the plain HTTP application that shows them with its health."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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


def make_ops_app(metrics: Metrics, *, refresh: Callable[[], None], trouble: Callable[[], str | None]) -> Starlette:
    """`/metrics` and `/healthz`; `refresh` updates gauges before they are shown, `trouble` says what is wrong."""

    async def show(_: Request) -> Response:
        refresh()
        return Response(generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: Request) -> Response:
        return health_response(trouble())

    return Starlette(routes=[Route("/metrics", show), Route("/healthz", health)])


def health_response(problem: str | None) -> JSONResponse:
    """200 when all is well, 503 with the problem when not."""
    if problem is None:
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "failing", "problem": problem}, status_code=503)
