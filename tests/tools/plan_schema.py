"""Writes schemas/plan.schema.json from the plan's types; a test fails when the two differ."""

from pathlib import Path

import msgspec

from generator.reconcile.planfile import plan_schema


def main() -> None:
    file = Path(__file__).resolve().parents[2] / "schemas" / "plan.schema.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(plan_schema()), indent=2) + b"\n")


if __name__ == "__main__":
    main()
