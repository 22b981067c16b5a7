"""The parts of a support bundle, made one by one so that none keeps another from being there, and the archive."""

import datetime as dt
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from generator.errors import BqnctlError
from generator.reconcile.planfile import load_plan
from generator.support.examination import Examined, examine
from generator.support.findings import Findings, look_at
from generator.support.pseudonyms import Pseudonyms
from generator.support.records import (
    desired_counts,
    desired_view,
    journal_lines,
    learn_from_desired,
    learn_from_journal,
    plan_summary,
)
from generator.support.surroundings import repository, versions

_SHORTEST_SECRET = 6
_JOURNAL_BYTES = 16 << 20
_LOG_BYTES = 256 << 10
_OWN_DETAILS = frozenset({"name", "TCP", "TLS", "clock"})
"""What of an examination shows no customer: others may show a sample record."""

Part = tuple[str, bytes]


class Wanted(Struct, frozen=True, kw_only=True):
    """What a bundle is made of."""

    folder: Path | None
    """The inventory; None where there is none."""
    full: bool = False
    offline: bool = False
    runs: int = 5
    plans: tuple[Path, ...] = ()
    log: Path | None = None


def make_parts(wanted: Wanted, *, key: bytes | None, environ: Mapping[str, str]) -> list[Part]:
    """The files of a bundle by name, secrets out; `key` makes the pseudonyms, None leaves people as they are.

    What cannot be made is told in `problems.txt`, and nothing else is missing for it.
    """
    failures: list[str] = []
    found = Findings()
    try:
        found = found if wanted.folder is None else look_at(wanted.folder, environ)
    except Exception as error:  # noqa: BLE001 - the same as in `_made`
        failures.append(f"the inventory cannot be examined: {type(error).__name__}")
        # Nothing that may hold a secret is taken along where the secrets are not known.
        wanted = Wanted(folder=None)
    names = Pseudonyms(key, found.plain)
    journals = dict(_made(lambda: _journals(wanted), failures))
    for content in journals.values():
        learn_from_journal(content, names)
    for state in found.states.values():
        learn_from_desired(state, names)
    parts: list[Part] = []
    for make in (
        lambda: _of_the_machine(wanted),
        lambda: _of_the_inventory(found, names),
        lambda: _of_the_desired(wanted, found, names),
        lambda: ((f"journal/{name}", journal_lines(content, names)) for name, content in journals.items()),
        lambda: _of_the_plans(wanted, names),
        lambda: _of_the_doctor(wanted, found, names),
        lambda: _of_the_log(wanted, names),
    ):
        parts += _made(make, failures)
    told = [names.text(_here(str(problem), wanted.folder)) for problem in found.problems]
    told += [names.text(each) for each in failures]
    parts.append(("problems.txt", "".join(f"{line}\n" for line in told or ["none found"]).encode()))
    return [(name, _without(content, found.secrets)) for name, content in parts]


def archive(parts: Iterable[Part], *, name: str, now: dt.datetime) -> bytes:
    """A tar.gz of `parts` in the folder `name`, readable by its owner alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for part, content in parts:
            entry = tarfile.TarInfo(f"{name}/{part}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(now.timestamp())
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _made(make: Callable[[], Iterable[Part]], failures: list[str]) -> list[Part]:
    done: list[Part] = []
    try:
        done.extend(make())
    except Exception as error:  # noqa: BLE001 - a bundle is made when things are broken: whatever it is goes into it
        failures.append(f"this bundle is not whole: {type(error).__name__}: {error}")
    return done


def _here(text: str, folder: Path | None) -> str:
    """`text` with the paths of the inventory as they are in the bundle."""
    return text if folder is None else text.replace(f"{folder}/", "inventory/")


def _of_the_machine(wanted: Wanted) -> Iterator[Part]:
    yield "versions.json", _json(versions())
    if wanted.folder is not None:
        yield "repository.json", _json(repository(wanted.folder))


def _of_the_inventory(found: Findings, names: Pseudonyms) -> Iterator[Part]:
    for name, text in found.files.items():
        yield f"inventory/{name}", names.addresses(text).encode()


def _of_the_desired(wanted: Wanted, found: Findings, names: Pseudonyms) -> Iterator[Part]:
    yield "desired/counts.json", _json({source: desired_counts(state) for source, state in found.states.items()})
    if wanted.full:
        for source, state in found.states.items():
            yield f"desired/{source}.json", _json(desired_view(state, names))


def _journals(wanted: Wanted) -> Iterator[Part]:
    """The newest journals, newest last, each to a size that can be sent."""
    files = sorted((wanted.folder / "journal").glob("*.jsonl")) if wanted.folder is not None else []
    for file in files[-wanted.runs :] if wanted.runs else []:
        with file.open("rb") as opened:
            yield file.name, opened.read(_JOURNAL_BYTES)


def _of_the_plans(wanted: Wanted, names: Pseudonyms) -> Iterator[Part]:
    for number, file in enumerate(wanted.plans, 1):
        try:
            summary = plan_summary(load_plan(file), names)
        except BqnctlError as error:
            summary = {"problem": names.text(str(error))}
        yield f"plans/{number}-{file.name}", _json(summary)


def _of_the_doctor(wanted: Wanted, found: Findings, names: Pseudonyms) -> Iterator[Part]:
    if not wanted.offline:
        yield "doctor.json", _json([_shown(each, names) for each in examine(found.billing, found.bqn)])


def _shown(examined: Examined, names: Pseudonyms) -> dict[str, Any]:
    return {
        "host": examined.host, "kind": examined.kind, "address": examined.address,
        "probes": [
            {
                "what": probe.what, "needed": probe.needed,
                "detail": names.text(probe.detail) if probe.what in _OWN_DETAILS or not names.hides else "(not shown)",
                "problem": None if probe.problem is None else names.text(probe.problem),
                "fix": probe.fix,
            }
            for probe in examined.probes
        ],
    }  # fmt: skip


def _of_the_log(wanted: Wanted, names: Pseudonyms) -> Iterator[Part]:
    if wanted.log is None:
        return
    with wanted.log.open("rb") as file:
        file.seek(0, io.SEEK_END)
        file.seek(max(0, file.tell() - _LOG_BYTES))
        text = file.read().decode("utf-8", "replace")
    yield "log.txt", names.text(text).encode()


def _without(content: bytes, secrets: Iterable[str]) -> bytes:
    """`content` with no secret in it, as it is or as JSON writes it; the longest first, for one may hold another."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            for written in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
                content = content.replace(written.encode("utf-8", "surrogateescape"), b"<secret>")
    return content


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
