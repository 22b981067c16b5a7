"""The plan as Markdown for a comment on a merge request, within a number of bytes.

Everything that names customers stands in fenced code, whose fence is longer than any in it: nothing in a name
becomes Markdown or HTML there.
"""

import re
from collections.abc import Callable, Iterator

from generator.bqn.kinds import Kind
from generator.reconcile.plan import Action, AppliancePlan, Plan
from generator.report.safe import printable
from generator.report.text import appliance_text
from generator.report.wording import MAX_COMMENT_BYTES, affected, changes_of, counts_text

MARKER = "<!-- bqnctl plan -->"
"""The first line: by it a pipeline finds the comment to update."""

_BACKTICKS = re.compile("`+")
_SIGN = re.compile(r"[!-,./:-@\[-`{-~]")
"""Every sign of ASCII but the hyphen."""


def plan_markdown(plan: Plan, *, max_bytes: int = MAX_COMMENT_BYTES, link: str | None = None) -> str:
    """The plan in at most `max_bytes` of UTF-8: every change, else the folded plan, else the counts.

    `link` is where the whole plan can be seen.
    """
    ways: tuple[Callable[[], str], ...] = (
        lambda: _document(plan, link, lambda each: _details(each, verbose=True)),
        lambda: _document(plan, link, lambda each: _details(each, verbose=False)),
        lambda: _document(plan, link, lambda _: iter(("", "Too long to be shown here: see the plan's own file."))),
        lambda: f"{MARKER}\n{headline(plan)}\n",
    )
    for way in ways:
        text = way()
        if len(text.encode()) <= max_bytes:
            return text
    return ways[-1]().encode()[:max_bytes].decode(errors="ignore")


def _document(plan: Plan, link: str | None, body: Callable[[AppliancePlan], Iterator[str]]) -> str:
    lines = [MARKER, f"### {headline(plan)}", "", *_table(plan)]
    for appliance in plan.appliances:
        if appliance.changes or appliance.error or appliance.refused:
            lines += body(appliance)
    if link:
        lines += ["", f"[The whole plan]({link})"]
    return "\n".join(lines) + "\n"


def headline(plan: Plan) -> str:
    """The plan in a sentence."""
    changes = [change for appliance in plan.appliances for change in appliance.changes]
    text = f"bqnctl plan: {counts_text(changes)} on {len(plan.appliances)} appliances"
    if plan.failed:
        return f"{text}, not all could be planned"
    return f"{text}, refused by a guard" if plan.refused else text


def _table(plan: Plan) -> Iterator[str]:
    yield "| BQN | policies | subscribers | groups | newly blocked | unblocked | guards |"
    yield "|---|---|---|---|---|---|---|"
    for each in plan.appliances:
        cells = [as_code(each.name), *(_counts(each, kind) for kind in Kind)]
        cells += [str(len(affected(each.changes, word)) or "") for word in ("blocked", "unblocked")]
        yield f"| {' | '.join([*cells, _verdict(each)])} |"


def _counts(plan: AppliancePlan, kind: Kind) -> str:
    counted = [(sign, len(changes_of(plan.changes, kind, action))) for sign, action in zip("+~-", Action, strict=True)]
    return " ".join(f"`{sign}{count}`" for sign, count in counted if count) or "="


def _verdict(plan: AppliancePlan) -> str:
    if plan.error:
        return "**could not be planned**"
    refused = [f"{as_code(verdict.rule)} {verdict.kind.plural}" for verdict in plan.verdicts if verdict.refused]
    return f"**refused**: {', '.join(refused)}" if refused else "passed"


def _details(plan: AppliancePlan, *, verbose: bool) -> Iterator[str]:
    yield ""
    yield f"<details{' open' if plan.refused or plan.error else ''}><summary>{as_code(plan.name)}</summary>"
    yield ""
    text = appliance_text(plan, verbose=verbose).rstrip("\n")
    fence = "`" * (1 + max([2, *(len(found) for found in _BACKTICKS.findall(text))]))
    yield f"{fence}diff"
    yield from (_as_diff(line) for line in text.split("\n"))
    yield fence
    yield ""
    yield "</details>"


def _as_diff(line: str) -> str:
    """A line with its sign in the first column, where a diff is coloured; `~` is `!` there."""
    bare = line.lstrip(" ")
    sign = {"+ ": "+", "- ": "-", "~ ": "!"}.get(bare[:2])
    return line if sign is None else f"{sign}{line[1 : len(line) - len(bare)]}{bare[1:]}"


def as_code(text: str) -> str:
    """`text` outside fenced code, letter by letter: no markup, and nothing that a forge makes of `@`, `#` or a link.

    The element keeps forges from that; the references, which Markdown never takes for its own signs, stand for
    every sign, so that it may be in a cell of a table and in a line of HTML alike.
    """
    return f"<code>{_SIGN.sub(lambda found: f'&#{ord(found[0])};', printable(text))}</code>"
