"""Plans made apart, one for some appliances each, joined into one: for a fleet planned on many machines."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from generator.errors import UsageError
from generator.reconcile.plan import Plan


def merge_plans(parts: Sequence[tuple[Path, Plan]]) -> Plan:
    """One plan of all `parts`, appliances by name; raises `UsageError` for parts that do not belong together.

    They must be of one inventory, one version and one `--only`; an appliance stands in one of them; and a
    source's desired files must have been the same wherever it was read.
    """
    if not parts:
        raise UsageError("there is no plan to merge", fix="give the files that `bqnctl plan --out` wrote")
    (first_file, first), *rest = parts
    for file, plan in rest:
        for name in ("inventory", "bqnctl", "only"):
            if getattr(plan, name) != getattr(first, name):
                raise _at_odds(file, first_file, f"their {name} differs")
    seen: dict[str, Path] = {}
    digests: dict[str, tuple[str, Path]] = {}
    for file, plan in parts:
        for appliance in plan.appliances:
            if appliance.name in seen:
                raise _at_odds(file, seen[appliance.name], f"both plan {appliance.name}")
            seen[appliance.name] = file
        for source, digest in plan.desired_digests.items():
            known, other = digests.setdefault(source, (digest, file))
            if known != digest:
                raise _at_odds(file, other, f"the desired files of {source} were others")
    appliances = sorted((each for _, plan in parts for each in plan.appliances), key=lambda each: each.name)
    return replace(
        first, appliances=tuple(appliances),
        desired_digests={source: digest for source, (digest, _) in sorted(digests.items())},
    )  # fmt: skip


def _at_odds(file: Path, other: Path, why: str) -> UsageError:
    return UsageError(
        f"{file} and {other} are not parts of one plan: {why}", fix="plan every part from the same commit"
    )
