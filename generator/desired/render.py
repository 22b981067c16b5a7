"""Desired state → the bytes of its files, through the Jinja2 templates in `templates/desired/`.

The inventory's own template of the same name takes its place. Texts of the billing system reach templates as
values only. What the templates yield is read back and validated before anyone writes it.
"""

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from msgspec.structs import replace

from generator.desired.build import rejected_key
from generator.desired.lines import absent_line, address, line, quoted, scalar
from generator.desired.order import by_address, by_name, shards
from generator.desired.tree import read_tree
from generator.documents.resources import resource_dir
from generator.errors import DocumentError, Problem
from generator.inventory.sandbox import Sandbox
from generator.model import DesiredState

SCHEMA_URL = "https://bqnctl.dev/schemas/desired-{kind}.schema.json"

# What a template may run into; a template is code, if sandboxed, and fails as code does.
_FAILURES = (
    TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip


def render_tree(state: DesiredState, *, templates: Path | None) -> dict[str, bytes]:
    """The files of `state`: path relative to the tree → content; the same state gives the same bytes.

    `templates` is the inventory's own folder of templates, if it has one: a template there, or in its
    `desired/`, takes the place of ours. Raises `DocumentError` for a template that fails or yields what is
    not a desired state.
    """
    renderer = _Renderer(templates)
    subscribers = by_address(state.subscribers)
    files = {
        "policies.yml": renderer.render("policies", list(by_name(state.policies).values())),
        "groups.yml": renderer.render("groups", list(by_name(state.groups).values())),
        "rejected.yml": renderer.render("rejected", sorted(state.rejected, key=rejected_key)),
        "absent.yml": renderer.render("absent", list(by_address(state.absent).items())),
    }
    for name, ips in shards(subscribers).items():
        shard = [subscribers[ip] for ip in ips]
        files[f"subscribers/{name}"] = renderer.render("subscribers", shard)
    try:
        read_tree(files, Path())
    except DocumentError as error:
        raise DocumentError([renderer.blamed(problem) for problem in error.problems]) from error
    return {name: text.encode() for name, text in files.items()}


class _Renderer:
    """The templates, ours and the inventory's."""

    def __init__(self, templates: Path | None) -> None:
        own = [] if templates is None else [templates / "desired", templates]
        self._environment = Sandbox(
            loader=FileSystemLoader([*own, resource_dir("templates") / "desired"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,
        )
        self._environment.filters.update(line=line, scalar=scalar, quoted=quoted, address=address)
        self._environment.globals.update(absent_line=absent_line)

    def render(self, kind: str, items: list[Any]) -> str:
        """The file of `kind` with `items`, which the template knows by the name of the kind."""
        name = f"{kind}.yml.j2"
        values: Mapping[str, Any] = {kind: items, "schema": SCHEMA_URL.format(kind=kind)}
        try:
            text = self._environment.get_template(name).render(values)
            text.encode()
        except _FAILURES as error:
            raise DocumentError([self._failure(name, error)]) from error
        return text

    def blamed(self, problem: Problem) -> Problem:
        """A problem of rendered text, laid at the door of the template that yielded it."""
        rendered = problem.file or Path()
        kind = "subscribers" if rendered.parent.name else rendered.stem
        place = f"{rendered}:{problem.line}:{problem.column}" if problem.line else f"{rendered}"
        return replace(
            problem, file=self._path(f"{kind}.yml.j2"), line=0, column=0,
            what=f"what this template yields is no desired state: {place}: {problem.what}",
        )  # fmt: skip

    def _path(self, name: str) -> Path:
        loader = self._environment.loader
        folders = loader.searchpath if isinstance(loader, FileSystemLoader) else []
        return next((Path(each, name) for each in folders if Path(each, name).is_file()), Path(name))

    def _failure(self, name: str, error: BaseException) -> Problem:
        path = self._path(name)
        if isinstance(error, TemplateSyntaxError):
            file = Path(error.filename) if error.filename else path
            return Problem(what=f"template: {error.message}", file=file, line=error.lineno, column=1)
        # Jinja2 writes the template's own file and line into the traceback.
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".j2")]
        file, number = (Path(frames[-1].filename), frames[-1].lineno or 0) if frames else (path, 0)
        what = f"template: {error or type(error).__name__}"
        return Problem(what=what, file=file, line=number, column=1 if number else 0)
