"""The files of a new repository, rendered from templates/init/ and checked before anybody writes them."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct

from generator import __version__
from generator.documents.resources import resource_dir
from generator.inventory.load import load_inventory
from generator.scaffold.answers import BQN_CREDENTIALS, Answers

_SCRIPTS = ("render.sh", "plan.sh", "apply.sh", "forge.sh")
_SOURCED = frozenset({"forge.sh", "github.sh", "gitlab.sh"})
_GITHUB = ("render", "plan", "apply")


class NewFile(Struct, frozen=True, kw_only=True):
    """A file to be: its path in the repository, its bytes, and whether it is a program."""

    path: str
    content: bytes
    program: bool = False

    @property
    def mode(self) -> int:
        """The permissions it is written with."""
        return 0o755 if self.program else 0o644


def new_files(answers: Answers) -> list[NewFile]:
    """Every file of the repository that `answers` describe; its inventory has been read once, and is valid."""
    renderer = _Renderer(answers)
    files = [*_inventory(renderer), *_repository(renderer), *_pipelines(renderer)]
    _check(files, answers)
    return sorted(files, key=lambda file: file.path)


class _Renderer:
    """The templates: their variables stand in [[ ]], as inventories and workflows use {{ }} themselves."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self._environment = Environment(  # noqa: S701 - what it makes is no HTML
            loader=FileSystemLoader(resource_dir("templates") / "init"),
            undefined=StrictUndefined,
            variable_start_string="[[", variable_end_string="]]",
            block_start_string="[%", block_end_string="%]",
            comment_start_string="[#", comment_end_string="#]",
            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
        )  # fmt: skip
        self._environment.filters["yaml"] = json.dumps
        self._values = {
            "inventory": answers.inventory,
            "inventory_pattern": re.escape(answers.inventory).replace(r"\-", "-"),
            "billing": answers.billing,
            "bqn": answers.bqn,
            "networks": json.dumps(answers.networks),
            "forges": answers.forges,
            "limits": answers.limits,
            "bqn_credentials": BQN_CREDENTIALS,
            "billing_names": [credential.variable for host in answers.billing for credential in host.credentials],
            "bqn_names": [credential.variable for credential in BQN_CREDENTIALS],
            "version": __version__,
        }

    def file(self, path: str, template: str, *, program: bool = False, **values: object) -> NewFile:
        """The file `path`, of `template`."""
        text = self._environment.get_template(template).render(**self._values, **values)
        return NewFile(path=path, content=text.encode(), program=program)


def _inventory(renderer: _Renderer) -> Iterator[NewFile]:
    folder = renderer.answers.inventory
    yield renderer.file(f"{folder}/hosts.yml", "inventory/hosts.yml.j2")
    yield renderer.file(f"{folder}/group_vars/bqn.yml", "inventory/bqn_group.yml.j2")
    if renderer.answers.networks:
        yield renderer.file(f"{folder}/group_vars/billing.yml", "inventory/billing_group.yml.j2")
    for billing in renderer.answers.billing:
        yield renderer.file(f"{folder}/host_vars/{billing.name}.yml", "inventory/billing_host.yml.j2", host=billing)
    for bqn in renderer.answers.bqn:
        yield renderer.file(f"{folder}/host_vars/{bqn.name}.yml", "inventory/bqn_host.yml.j2", host=bqn)


def _repository(renderer: _Renderer) -> Iterator[NewFile]:
    yield renderer.file("README.md", "README.md.j2")
    yield renderer.file(".gitignore", "gitignore.j2")
    yield renderer.file(".pre-commit-config.yaml", "pre-commit-config.yaml.j2")
    yield renderer.file("requirements.txt", "requirements.txt.j2")
    yield renderer.file("systemd/bqnctl.service", "systemd/bqnctl.service.j2")
    yield renderer.file("systemd/bqnctl.timer", "systemd/bqnctl.timer.j2")


def _pipelines(renderer: _Renderer) -> Iterator[NewFile]:
    forges = renderer.answers.forges
    scripts = (*_SCRIPTS, *(f"{forge}.sh" for forge in forges)) if forges else ()
    if forges and renderer.answers.limits:
        scripts += ("part.sh",)
    for script in scripts:
        yield renderer.file(f"ci/{script}", f"ci/{script}", program=script not in _SOURCED)
    if "github" in forges:
        for job in _GITHUB:
            path = f".github/workflows/bqnctl-{job}.yml"
            yield renderer.file(path, f"github/{job}.yml.j2", pushes=job == "render")
    if "gitlab" in forges:
        yield renderer.file(".gitlab-ci.yml", "gitlab/gitlab-ci.yml.j2")


def _check(files: list[NewFile], answers: Answers) -> None:
    """Read the inventory as any command would, with a stand-in for each secret; raises `DocumentError`."""
    wanted = [credential for host in answers.billing for credential in host.credentials] + [*BQN_CREDENTIALS]
    with tempfile.TemporaryDirectory(prefix="bqnctl-init-") as folder:
        for file in files:
            if file.path.startswith(f"{answers.inventory}/"):
                path = Path(folder) / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)
        environ = {credential.variable: "stand-in" for credential in wanted}
        load_inventory(Path(folder) / answers.inventory, environ=environ)
