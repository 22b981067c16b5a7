"""Plans on disk: canonical JSON, so that the same plan is the same bytes, and back."""

from pathlib import Path
from typing import Any

import msgspec

from generator.documents.files import write_atomically
from generator.errors import BqnctlError
from generator.reconcile.plan import FORMAT, Plan


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
        plan = msgspec.json.decode(file.read_bytes(), type=Plan)
    except OSError as error:
        raise BqnctlError(f"the plan cannot be read: {error.strerror}", where=str(file)) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BqnctlError(
            f"not a plan of bqnctl: {error}", where=str(file), fix="make one with: bqnctl plan --out FILE"
        ) from error
    if plan.format != FORMAT:
        raise BqnctlError(
            f"the plan is of format {plan.format!r}, this bqnctl reads {FORMAT!r}", where=str(file),
            fix="plan again with this version",
        )  # fmt: skip
    return plan


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of a saved plan, made of the types themselves; schemas/plan.schema.json holds it."""
    schema = msgspec.json.schema(Plan)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://bqnctl.dev/schemas/plan.schema.json",
        "title": "A bqnctl plan",
        **schema,
    }
