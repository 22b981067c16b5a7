"""The plain HTTP application of a service's operators: its Prometheus metrics and its health."""

from collections.abc import Callable

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def make_ops_app(*, metrics: Callable[[], bytes], trouble: Callable[[], str | None]) -> Starlette:
    """`/metrics` and `/healthz`; `metrics` gives the text of now, `trouble` says what is wrong (None: nothing)."""

    async def show(_: Request) -> Response:
        return Response(metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: Request) -> Response:
        return health_response(trouble())

    return Starlette(routes=[Route("/metrics", show), Route("/healthz", health)])


def health_response(problem: str | None) -> JSONResponse:
    """200 when all is well, 503 with the problem when not."""
    if problem is None:
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "failing", "problem": problem}, status_code=503)
