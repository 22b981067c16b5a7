"""Answers as no emulator gives them: whatever stands in a field, a source is read whole or fails with a `SourceError`.

What each emulator says is changed on its way, at random, the same for the same seed; for Powercode's database, whose
columns have types, the rows are. No other exception may come out, and what is read must render to a desired state
that is valid and stays the same the next time.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.billing.read import connector_of
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import emulating, emulator_of, systems
from generator.desired.build import build
from generator.desired.check import reference_problems
from generator.desired.render import render_tree
from generator.desired.tree import read_tree
from generator.errors import SourceError
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost
from generator.inventory.shape import shape_of
from generator.model import BillingAnswer
from generator.net.certificate import Certificate
from generator.net.retry import RetryPolicy
from generator.net.serve import serving
from tests.hostile.mutating import Mutating
from tests.hostile.values import HOSTILE

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ONCE = RetryPolicy(attempts=1)
COLUMN_CHARS = 32
"""What the shortest column of Powercode's tables holds."""
SQL_TEXTS = tuple(each[:COLUMN_CHARS] for each in HOSTILE if isinstance(each, str) and "\ud800" not in each)
SQL_NUMBERS = (None, 0, 1, 2**31 - 1)
ROUNDS = 16
CUSTOMERS = 8


def mutate(value: Any, chance: random.Random, share: float) -> Any:
    """`value` with about `share` of what is in it replaced; lists also lose, gain and repeat elements."""
    if isinstance(value, dict):
        return {key: mutate(inner, chance, share) for key, inner in value.items()}
    if not isinstance(value, list):
        return chance.choice(HOSTILE) if chance.random() < share else value
    changed = [mutate(inner, chance, share) for inner in value]
    if changed and chance.random() < share:
        changed.insert(0, chance.choice((chance.choice(HOSTILE), changed[0])))
    return changed


def mutate_row(row: dict[str, Any], chance: random.Random, share: float) -> dict[str, Any]:
    """The same for a row of a table."""
    return {
        name: value if chance.random() >= share else chance.choice(SQL_TEXTS if isinstance(value, str) else SQL_NUMBERS)
        for name, value in row.items()
    }


@contextmanager
def hostile(system: str, seed: int, certificate: Certificate) -> Iterator[dict[str, Any]]:
    """A server that answers so; yields the variables of a host that reaches it."""
    chance = random.Random(f"{system} {seed}")
    share = (0.004, 0.02, 0.1, 0.5)[seed % 4]
    emulator = emulator_of(system)
    data = emulator.sample(CUSTOMERS, seed)
    if hasattr(emulator, "running"):
        changed = {name: [mutate_row(row, chance, share) for row in rows] for name, rows in data.dump().items()}
        lists = emulator.from_lists(changed)
        with emulating(system, EmulatorOptions(), certificate=certificate, data=lists) as emulated:
            yield dict(emulated.host_vars)
        return
    options = EmulatorOptions(switches={"no-limit": "on"} if system == "powercode_api" else {})
    app = Mutating(emulator.make_app_for(data, options), lambda value: mutate(value, chance, share))
    with serving(app, certificate=certificate) as at:
        yield {
            "system": system, "credentials": dict(emulator.CREDENTIALS), "host": at.host, "port": at.port,
            "tls": {"fingerprint_sha256": at.fingerprint_sha256},
        }  # fmt: skip


def host_of(folder: Path, variables: dict[str, Any], seed: int) -> BillingHost:
    more: dict[str, Any] = {"timeout": 5, "requests_per_second": None}
    if seed % 2:  # every family that the system has
        rule = shape_of("billing", variables["system"]).rules["ip_versions"]
        more["ip_versions"] = rule["items"]["enum"]
    hosts = {"billing": {"hosts": {"main": {**variables, **more}}}, "bqn": {"hosts": {}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
    return load_inventory(folder, environ={}).billing["main"]


def read_or_fail(host: BillingHost) -> BillingAnswer | None:
    """What the source says; `None` where it fails as a source may."""
    try:
        return connector_of(host).read(host, retry=ONCE)
    except SourceError as failure:
        return None if failure.fix and len(str(failure)) < 2000 else pytest.fail(str(failure))


@pytest.mark.parametrize("system", systems())
def test_whatever_stands_in_a_field(system: str, certificate: Certificate, tmp_path: Path) -> None:
    read = 0
    for seed in range(ROUNDS):
        with hostile(system, seed, certificate) as variables:
            host = host_of(tmp_path, variables, seed)
            answer = read_or_fail(host)
        if answer is None:
            continue
        state = build(answer, host, previous=None, now=NOW).state
        files = {name: content.decode() for name, content in render_tree(state, templates=None).items()}
        assert reference_problems(read_tree(files, Path())) == []
        again = build(answer, host, previous=state, now=NOW).state
        assert render_tree(again, templates=None) == render_tree(state, templates=None)
        read += 1
    assert read > 0
