"""The plan as one HTML file that needs nothing else: tables to sort and search, charts, no network.

All that comes from outside is data: JSON in a script element that no browser runs, with `<` and its like
escaped, put into the page as text. The page's own script and style are templates/report/plan.js and plan.css.
"""

import base64
import hashlib
from typing import Any

import jinja2
import msgspec

from generator.documents.resources import resource_dir
from generator.reconcile.figures import Figures
from generator.reconcile.plan import AppliancePlan, Change, Plan
from generator.report.markdown import headline
from generator.report.safe import printable
from generator.report.wording import SIGNS, affected, describe, reasons_text

_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def plan_html(plan: Plan) -> str:
    """The whole report; the same plan gives the same bytes."""
    folder = resource_dir("templates") / "report"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder), autoescape=True, undefined=jinja2.StrictUndefined
    )  # fmt: skip
    script, style = ((folder / name).read_text(encoding="utf-8") for name in ("plan.js", "plan.css"))
    return environment.get_template("plan.html.j2").render(
        headline=headline(plan), inventory=plan.inventory, version=plan.bqnctl, script=script, style=style,
        script_hash=_hash(script), style_hash=_hash(style), data=_data(plan),
    )  # fmt: skip


def _hash(text: str) -> str:
    """What the page's Content-Security-Policy knows its own script or style by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _data(plan: Plan) -> str:
    """The data as JSON that cannot end the element it stands in."""
    shown = {"appliances": [_appliance(each) for each in plan.appliances]}
    return msgspec.json.encode(shown).decode().translate(_ESCAPES)


def _appliance(plan: AppliancePlan) -> dict[str, Any]:
    return {
        "name": printable(plan.name),
        "address": plan.address,
        "sources": plan.sources,
        "error": plan.error and printable(plan.error),
        "warnings": [*map(printable, plan.warnings)],
        "requests": plan.requests,
        "seconds": plan.seconds,
        "changes": [_change(each) for each in plan.changes],
        "blocked": len(affected(plan.changes, "blocked")),
        "unblocked": len(affected(plan.changes, "unblocked")),
        "verdicts": [
            {"rule": each.rule, "kind": each.kind.plural, "count": each.count, "existing": each.existing,
             "limit": each.limit, "refused": each.refused, "allowed": each.allowed, "fix": each.fix}
            for each in plan.verdicts
        ],
        "left": [
            f"{sum(totals.untouched.values())} {kind.plural}: {reasons_text(totals.untouched)}"
            for kind, totals in plan.totals.items() if totals.untouched
        ],
        "totals": {kind.plural: [totals.live, totals.desired] for kind, totals in plan.totals.items()},
        "figures": plan.figures and _figures(plan.figures),
    }  # fmt: skip


def _figures(figures: Figures) -> dict[str, Any]:
    """The figures with names that are fit to be read."""
    parts = {part: getattr(figures, part) for part in ("policies", "groups", "blocked")}
    return {part: {printable(name): each for name, each in named.items()} for part, named in parts.items()}


def _change(change: Change) -> list[str]:
    """Sign, kind, key, what changes, impact: short, for there may be a hundred thousand."""
    key = printable(change.key)
    return [SIGNS[change.action], change.kind.value, key, describe(change), change.impact or ""]
