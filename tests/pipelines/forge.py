"""A forge on loopback: the parts of the APIs of GitHub and GitLab that the pipelines use, and what they hold."""

import fnmatch
import io
import zipfile
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

JOB_TOKEN, PROJECT_TOKEN = "token-of-the-job", "token-of-the-project"
REPOSITORY, OWN_ID, FORK_ID = "isp/policy", 70, 71
ME, STRANGER = "github-actions[bot]", "stranger"


class Forge:
    """What a forge knows of one repository: requests, comments by request, plans kept, workflows started."""

    def __init__(self) -> None:
        self.requests: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.packages: dict[str, bytes] = {}
        self.started: list[dict[str, Any]] = []
        self.broken: set[str] = set()
        self.seen: list[str] = []

    def add_comment(self, request: int, body: str, author: str) -> dict[str, Any]:
        comments = self.comments.setdefault(request, [])
        number = 1000 * request + len(comments)
        comments.append({"id": number, "body": body, "user": {"login": author}, "author": {"id": _user_id(author)}})
        return comments[-1]

    def ours(self, request: int) -> list[str]:
        """The comments of the pipeline on a request."""
        return [comment["body"] for comment in self.comments.get(request, []) if comment["user"]["login"] == ME]

    def upload(self, name: str, folder: Path, *, repository: int = OWN_ID) -> None:
        """What the action upload-artifact does."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for file in sorted(path for path in folder.rglob("*") if path.is_file()):
                archive.write(file, file.relative_to(folder))
        self.artifacts.append(
            {
                "id": len(self.artifacts) + 1, "name": name, "expired": False, "zip": packed.getvalue(),
                "created_at": f"2030-01-01T00:{len(self.artifacts):02}:00Z",
                "workflow_run": {"repository_id": OWN_ID, "head_repository_id": repository},
            }
        )  # fmt: skip

    def download(self, pattern: str, folder: Path) -> None:
        """What the action download-artifact does with merge-multiple, and GitLab with what a job needs."""
        for artifact in self.artifacts:  # a later one of the same name replaces what an earlier one left
            if fnmatch.fnmatchcase(artifact["name"], pattern):
                with zipfile.ZipFile(io.BytesIO(artifact["zip"])) as archive:
                    archive.extractall(folder)

    def open(self, branch: str) -> list[dict[str, Any]]:
        return [one for one in self.requests.values() if one["branch"] == branch and one["state"] == "open"]

    def new(self, branch: str, title: str, body: str) -> dict[str, Any]:
        number = len(self.requests) + 1
        self.requests[number] = {"number": number, "iid": number, "branch": branch, "state": "open"}
        self.requests[number] |= {"title": title.rstrip("\n"), "body": body}
        return self.requests[number]


def _user_id(name: str) -> int:
    return 1 if name == ME else 2


class _Guarded(BaseHTTPMiddleware):
    """Refuses requests without a right token, and fails the ones that the test wants to fail."""

    def __init__(self, app: Any, forge: Forge) -> None:
        super().__init__(app)
        self.forge = forge

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        path, headers = request.url.path, request.headers
        self.forge.seen.append(f"{request.method} {path}")
        if any(part in path for part in self.forge.broken):
            return JSONResponse({"message": "broken"}, 403)
        if path.startswith("/blobs/"):
            allowed = "authorization" not in headers
        elif path.startswith("/github/"):
            allowed = headers.get("authorization") == f"Bearer {JOB_TOKEN}"
        elif "/packages/" in path:
            allowed = headers.get("job-token") == JOB_TOKEN
        else:
            allowed = headers.get("private-token") == PROJECT_TOKEN
        return await call_next(request) if allowed else JSONResponse({"message": "401 Unauthorized"}, 401)


def make_app(forge: Forge, *, blobs: str) -> Starlette:
    """GitHub's API under /github, GitLab's under /gitlab; artifacts are stored at `blobs`, another host."""
    routes = [*_github(forge, blobs), *_gitlab(forge)]
    return Starlette(routes=routes, middleware=[Middleware(_Guarded, forge=forge)])


def _github(forge: Forge, blobs: str) -> list[Route]:  # noqa: C901 - one small function per address
    async def pulls(request: Request) -> Response:
        if request.method == "POST":
            sent = await request.json()
            if sent["base"] != "main":
                return JSONResponse({"message": "base"}, 422)
            return JSONResponse(forge.new(sent["head"], sent["title"], sent["body"]), 201)
        owner, _, branch = request.query_params["head"].partition(":")
        return JSONResponse(forge.open(branch) if owner == "isp" else [])

    async def pull(request: Request) -> Response:
        forge.requests[request.path_params["number"]] |= await request.json()
        return JSONResponse({})

    async def comments(request: Request) -> Response:
        number = request.path_params["number"]
        if request.method == "POST":
            return JSONResponse(forge.add_comment(number, (await request.json())["body"], ME), 201)
        return _page(request, forge.comments.get(number, []))

    async def comment(request: Request) -> Response:
        _edit(forge, request.path_params["comment"], (await request.json())["body"])
        return JSONResponse({})

    async def artifacts(request: Request) -> Response:
        found = [one for one in forge.artifacts if one["name"] == request.query_params["name"]]
        return JSONResponse({"artifacts": [{k: v for k, v in one.items() if k != "zip"} for one in found]})

    async def archive(request: Request) -> Response:
        return RedirectResponse(f"{blobs}/blobs/{request.path_params['number']}", 302)

    async def blob(request: Request) -> Response:
        return Response(forge.artifacts[request.path_params["number"] - 1]["zip"])

    async def dispatches(request: Request) -> Response:
        forge.started.append({"workflow": request.path_params["workflow"], **await request.json()})
        return Response(status_code=204)

    root = f"/github/repos/{REPOSITORY}"
    return [
        Route(f"{root}/pulls", pulls, methods=["GET", "POST"]),
        Route(f"{root}/pulls/{{number:int}}", pull, methods=["PATCH"]),
        Route(f"{root}/issues/{{number:int}}/comments", comments, methods=["GET", "POST"]),
        Route(f"{root}/issues/comments/{{comment:int}}", comment, methods=["PATCH"]),
        Route(f"{root}/actions/artifacts", artifacts),
        Route(f"{root}/actions/artifacts/{{number:int}}/zip", archive),
        Route("/blobs/{number:int}", blob),
        Route(f"{root}/actions/workflows/{{workflow}}/dispatches", dispatches, methods=["POST"]),
    ]


def _gitlab(forge: Forge) -> list[Route]:  # noqa: C901 - one small function per address
    async def merge_requests(request: Request) -> Response:
        if request.method == "POST":
            sent = await request.json()
            if sent["target_branch"] != "main":
                return JSONResponse({"message": "target"}, 400)
            return JSONResponse(forge.new(sent["source_branch"], sent["title"], sent["description"]), 201)
        return JSONResponse(forge.open(request.query_params["source_branch"]))

    async def merge_request(request: Request) -> Response:
        sent = await request.json()
        if sent.pop("state_event", "") == "close":
            sent["state"] = "closed"
        forge.requests[request.path_params["number"]] |= sent
        return JSONResponse({})

    async def notes(request: Request) -> Response:
        number = request.path_params["number"]
        if request.method == "POST":
            return JSONResponse(forge.add_comment(number, (await request.json())["body"], ME), 201)
        return _page(request, forge.comments.get(number, []))

    async def note(request: Request) -> Response:
        _edit(forge, request.path_params["comment"], (await request.json())["body"])
        return JSONResponse({})

    async def user(request: Request) -> Response:
        return JSONResponse({"id": _user_id(ME)})

    async def package(request: Request) -> Response:
        key = request.path_params["key"]
        if request.method == "PUT":
            forge.packages[key] = await request.body()
            return JSONResponse({"message": "201 Created"}, 201)
        return Response(forge.packages[key]) if key in forge.packages else JSONResponse({"message": "404"}, 404)

    root = f"/gitlab/projects/{OWN_ID}"
    return [
        Route("/gitlab/user", user),
        Route(f"{root}/merge_requests", merge_requests, methods=["GET", "POST"]),
        Route(f"{root}/merge_requests/{{number:int}}", merge_request, methods=["PUT"]),
        Route(f"{root}/merge_requests/{{number:int}}/notes", notes, methods=["GET", "POST"]),
        Route(f"{root}/merge_requests/{{number:int}}/notes/{{comment:int}}", note, methods=["PUT"]),
        Route(f"{root}/packages/generic/bqnctl-plan/{{key}}/plan.json", package, methods=["GET", "PUT"]),
    ]


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    size, page = int(request.query_params["per_page"]), int(request.query_params["page"])
    return JSONResponse(rows[size * (page - 1) : size * page])


def _edit(forge: Forge, number: int, body: str) -> None:
    for comments in forge.comments.values():
        for comment in comments:
            if comment["id"] == number:
                comment["body"] = body
