"""`notify.yml` → webhooks: valid YAML of the schema's shape, and addresses that stay secret."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from generator.documents.schema import load_schema, resolve_ref, schema_problems
from generator.documents.yaml import Dialect, Document, parse
from generator.errors import DocumentError, Problem
from generator.inventory.convert import seconds, tls_settings
from generator.inventory.lookups import Lookups
from generator.inventory.secret import Secret
from generator.inventory.shape import filled
from generator.inventory.templating import CREDENTIALS, Resolver
from generator.inventory.variables import Variable, opened
from generator.inventory.vault import Vault
from generator.net.tls import TlsSettings

FILE_NAME = "notify.yml"
_SCHEMA = "notify"


class Topic(StrEnum):
    """What a webhook may want to be told."""

    FAILED = "failed"
    REFUSED = "refused"
    RECOVERED = "recovered"
    CHANGED = "changed"


class Webhook(Struct, frozen=True, kw_only=True):
    """One address that is told; `remind_s` is how long the same trouble is not told again."""

    name: str
    url: Secret
    format: str
    events: frozenset[Topic]
    remind_s: int
    timeout_s: float
    tls: TlsSettings


def load_webhooks(folder: Path, *, environ: Mapping[str, str], secrets: bool = True) -> tuple[Webhook, ...]:
    """The webhooks of the inventory in `folder`; none where it has no notify.yml.

    Without `secrets` their addresses are neither resolved nor needed, and are empty. Raises `DocumentError` with
    every problem, each with its place.
    """
    misnamed = folder / "notify.yaml"
    if misnamed.exists():
        what = f"is not read: webhooks are in {FILE_NAME}"
        raise DocumentError([Problem(what=what, file=misnamed, fix=f"rename it to {FILE_NAME}")])
    file = folder / FILE_NAME
    if not file.exists() and not file.is_symlink():
        return ()
    text, secret = opened(file, Vault(environ))
    document = parse(text, file, Dialect.STRICT, secret=secret)
    problems = schema_problems(document, _SCHEMA) if document.data is not None else []
    if problems:
        raise DocumentError(problems)
    entries = ((document.data or {}).get("webhooks") or {}).items()
    hooks = [_webhook(document, name, value, environ, problems, secrets=secrets) for name, value in entries]
    if problems:
        raise DocumentError(problems)
    return tuple(hooks)


def _webhook(
    document: Document, name: str, value: dict[str, Any], environ: Mapping[str, str], problems: list[Problem],
    *, secrets: bool,
) -> Webhook:  # fmt: skip
    """One webhook; what is wrong with it is added to `problems`."""
    whole = filled(value, _rules())
    folder = document.file.parent
    url = ""
    if secrets:
        try:
            url = _resolved(document, name, value["url"], environ)
        except DocumentError as error:
            problems += error.problems
        else:
            problems += _url_problems(document, name, url)
    ca_file = whole["tls"]["ca_file"]
    if ca_file is not None and not (folder / ca_file).is_file():
        what = f"there is no file {folder / ca_file}"
        problems.append(document.problem(what, (*_path(name), "tls", "ca_file"), fix="paths count from the inventory"))
    return Webhook(
        name=name,
        url=Secret(url),
        format=whole["format"],
        events=frozenset(map(Topic, whole["events"])),
        remind_s=seconds(whole["remind"]),
        timeout_s=float(whole["timeout"]),
        tls=tls_settings(whole["tls"], folder),
    )


def _rules() -> dict[str, Any]:
    """The settings of a webhook, with their defaults; references put in."""
    rules = load_schema(_SCHEMA)["$defs"]["webhook"]["properties"]
    return {name: {**resolve_ref(rule.get("$ref", ""), _SCHEMA), **rule} for name, rule in rules.items()}


def _path(name: str) -> tuple[str, ...]:
    return ("webhooks", name)


def _resolved(document: Document, name: str, raw: str, environ: Mapping[str, str]) -> str:
    """An address with its template worked out as a credential's is: no failure tells a part of it."""
    variable = Variable(value=raw, document=document, path=(*_path(name), "url"), owner=name, of_host=False)
    lookups = Lookups(document.file.parent, environ, Vault(environ))
    try:
        value = Resolver(name, variables={CREDENTIALS: variable}, magic={}, lookups=lookups).resolve(CREDENTIALS)
    except DocumentError as error:
        key = ".".join((*_path(name), "url"))
        raise DocumentError([replace(problem, host=None, key=key) for problem in error.problems]) from None
    return str(value)


def _url_problems(document: Document, name: str, url: str) -> Iterator[Problem]:
    what = _wrong_url(url)
    if what:
        yield document.problem(what, (*_path(name), "url"), fix="give the https:// address that the service shows")


def _wrong_url(url: str) -> str | None:
    """Why `url` cannot be used, without a word of it."""
    if not url.isascii() or any(char <= " " or char == "\x7f" for char in url):
        return "the address is empty, or has a blank or another character that addresses do not have"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "the address is none"
    if parts.scheme not in ("https", "http") or not host:
        return "the address is not one of https"
    if parts.scheme == "http" and not _is_local(host):
        return "the address is one of http, which anybody on the way can read and use"
    if parts.username or parts.password:
        return "the address has a user or a password in it"
    return None


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
