"""Plans on disk: canonical JSON, so that the same plan is the same bytes, and back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from generator.documents.files import write_atomically
from generator.errors import BqnctlError
from generator.reconcile.plan import FORMAT, Plan
from generator.reconcile.views import wanted_from_view


def encode_plan(plan: Plan) -> bytes:
    """The canonical JSON of a plan: keys sorted, one line, UTF-8."""
    return msgspec.json.encode(plan, order="sorted") + b"\n"


def save_plan(plan: Plan, file: Path) -> None:
    """Write a plan to `file`, whole or not at all; mode 0600, because it names customers."""
    try:
        write_atomically(file, encode_plan(plan), mode=0o600)
    except OSError as error:
        raise BqnctlError(f"the plan cannot be saved: {error.strerror}", where=str(file)) from error


def load_plan(file: Path) -> Plan:
    """The plan in `file`; raises `BqnctlError` if it cannot be read or is not a plan of this format."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BqnctlError(f"the plan cannot be read: {error.strerror}", where=str(file)) from error
    return decode_plan(content, where=str(file))


def decode_plan(content: bytes, *, where: str) -> Plan:
    """The plan in the bytes of a file that is said to be `where`; raises as `load_plan` does.

    A plan is what a person reviewed: one with a key twice, of which readers take now the first, now the last,
    is none, and neither is one with fields that no object has.
    """
    try:
        plan = msgspec.json.decode(content, type=Plan)
        if plan.format == FORMAT:
            _check_views(plan)
            if encode_plan(plan) != content:
                _refuse_repeated_keys(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BqnctlError(
            f"not a plan of bqnctl: {error}", where=where, fix="make one with: bqnctl plan --out FILE"
        ) from error
    if plan.format != FORMAT:
        raise BqnctlError(
            f"the plan is of format {plan.format!r}, this bqnctl reads {FORMAT!r}", where=where,
            fix="plan again with this version",
        )  # fmt: skip
    return plan


def _check_views(plan: Plan) -> None:
    """Raise `msgspec.ValidationError` where a change's `before` or `after` is no object of its kind."""
    for appliance in plan.appliances:
        for change in appliance.changes:
            for fields in (change.before, change.after):
                if fields is not None:
                    wanted_from_view(change.kind, change.key, fields)


def _refuse_repeated_keys(content: bytes) -> None:
    """Raise `msgspec.ValidationError` for an object with a key twice; needless for what we wrote ourselves."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise msgspec.ValidationError(f"the key {key!r} stands twice in one object")
        return found

    json.loads(content, object_pairs_hook=once)


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of a saved plan, made of the types themselves; schemas/plan.schema.json holds it."""
    schema = msgspec.json.schema(Plan)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://bqnctl.dev/schemas/plan.schema.json",
        "title": "A bqnctl plan",
        **schema,
    }
