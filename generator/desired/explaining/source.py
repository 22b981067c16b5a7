"""The story of one subscriber in one source: from the billing's answer, or from the desired files alone."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from generator.desired.build import Working, work
from generator.desired.explaining.model import DesiredStory, RecordStory, RejectedStory, SourceStory, Step, WhereOf
from generator.desired.explaining.overridden import expired_steps, override_steps, unrendered_steps
from generator.desired.explaining.rules import Rules
from generator.desired.lines import line
from generator.desired.overrides.model import NONE, Overrides
from generator.desired.overrides.shared import as_billed
from generator.desired.query import Query
from generator.desired.tree import LoadedTree
from generator.errors import DocumentError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, PlanRecord, ServiceRecord


def source_story(
    answer: BillingAnswer, host: BillingHost, tree: LoadedTree | None, query: Query,
    *, overrides: Overrides, now: datetime, where: WhereOf,
) -> SourceStory:  # fmt: skip
    """What `host` says of the subscriber now, and what a render would make of it.

    `tree` is the desired state on disk, if there is one; `where` finds the settings of the host.
    """
    previous, error = None if tree is None else tree.state, None
    try:
        working = work(answer, host, previous=previous, now=now, overrides=overrides)
    except DocumentError as refused:
        error = f"a render would be refused, so the overrides are left out here:\n{refused}"
        working = work(answer, host, previous=previous, now=now, overrides=NONE)
    plans = {plan.id: plan for plan in answer.plans}
    rules = Rules(host, working, plans, where)
    records = [
        RecordStory(record=record.record, read=_as_read(record, plans), steps=tuple(rules.steps(position, record)))
        for position, record in enumerate(answer.services)
        if _means(record, host, query)
    ]
    records += _unusable(answer, host, query)
    addresses = _addresses(working, host, tree, query)
    stories = (
        DesiredStory(
            source=host.name, ip=ip, desired=_line(tree, ip), where=place(tree, ip), asked=True,
            next=line(working.acted.subscribers[ip]) if ip in working.acted.subscribers else None,
            steps=tuple(_address_steps(working, rules, ip, host=host, overrides=overrides, now=now)),
        )
        for ip in addresses
    )  # fmt: skip
    return SourceStory(source=host.name, records=tuple(records), addresses=tuple(stories), error=error)


def offline_story(
    tree: LoadedTree, host: BillingHost, query: Query, *, overrides: Overrides, now: datetime
) -> SourceStory:
    """What the desired files of `host` alone say of the subscriber."""
    bare, today = as_billed(tree.state), now.date()

    def steps(ip: str) -> Iterator[Step]:
        if ip in tree.state.absent:
            yield Step(rule="keep_absent", says=f"not listed since {tree.state.absent[ip]}, and kept")
        shown, billed, prefix = tree.state.subscribers[ip].overrides, bare.subscribers[ip], host.ipv6_prefix
        yield from override_steps(overrides, shown, today=today)
        yield from unrendered_steps(overrides, billed, host.name, shown, today=today, ipv6_prefix=prefix)
        yield from expired_steps(overrides, billed, host.name, shown, today=today, ipv6_prefix=prefix)

    addresses = tuple(
        DesiredStory(source=host.name, ip=ip, desired=_line(tree, ip), where=place(tree, ip), steps=tuple(steps(ip)))
        for ip, each in tree.state.subscribers.items()
        if query.fits(ip, each.id, ipv6_prefix=host.ipv6_prefix)
    )
    return SourceStory(source=host.name, addresses=addresses)


def rejected_stories(tree: LoadedTree, host: BillingHost, query: Query) -> Iterator[RejectedStory]:
    """The lines of `rejected.yml` about the subscriber, each with its place."""
    file = tree.folder / "rejected.yml"
    written = file.read_text(encoding="utf-8").split("\n") if file.is_file() else []
    for each in tree.state.rejected:
        if query.fits(each.ip, each.id, ipv6_prefix=host.ipv6_prefix):
            text = line(each)
            number = next((number for number, found in enumerate(written, 1) if found.strip() == text), 0)
            yield RejectedStory(
                source=host.name, line=text.removeprefix("- "), where=f"{file}:{number}:3" if number else f"{file}"
            )


def range_stories(tree: LoadedTree, host: BillingHost, query: Query) -> Iterator[DesiredStory]:
    """The groups whose ranges hold the address: who lives there has no line of its own."""
    for name, group in tree.state.groups.items():
        for text in group.ranges:
            if query.inside(text, ipv6_prefix=host.ipv6_prefix):
                place = tree.place("groups", name, "ranges")
                yield DesiredStory(
                    source=host.name, ip=text, desired=line(group),
                    where=f"{place.file}:{place.line}:{place.column}",
                )  # fmt: skip


def _means(record: ServiceRecord, host: BillingHost, query: Query) -> bool:
    if query.id is not None:
        return query.fits(None, record.ids.get(host.subscriber_id), ipv6_prefix=host.ipv6_prefix)
    return any(query.inside(written, ipv6_prefix=host.ipv6_prefix) for written in record.addresses)


def _as_read(record: ServiceRecord, plans: Mapping[str, PlanRecord]) -> dict[str, Any]:
    """The record's fields that say something, as plain data, with the plan that it names."""
    fields: dict[str, Any] = to_builtins(record)
    plan = plans.get(record.plan or "")
    if plan is not None:
        fields["plan"] = to_builtins(plan)
    return {name: _known(value) for name, value in fields.items() if value and name not in ("record", "rank")}


def _known(value: Any) -> Any:
    """`value` without what is not known of it."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items() if part is not None}
    return [_known(part) for part in value] if isinstance(value, list | tuple) else value


def _unusable(answer: BillingAnswer, host: BillingHost, query: Query) -> Iterator[RecordStory]:
    """Records that the connector itself could not use, and services that could not be read."""
    for each in answer.rejected:
        if query.fits(each.ip, each.id, ipv6_prefix=host.ipv6_prefix):
            known = {"id": each.id, "ip": each.ip, "plan": each.plan}
            yield RecordStory(
                record=each.record, read={name: value for name, value in known.items() if value},
                steps=(Step(rule="record", says=f"{each.reason}: rejected"),),
            )  # fmt: skip
    for service in answer.unread:
        if any(query.inside(written, ipv6_prefix=host.ipv6_prefix) for written in service.addresses):
            yield RecordStory(
                record=service.record, read={"addresses": list(service.addresses)},
                steps=(Step(rule="unread", says=f"{service.reason}: whoever has its addresses stays as he was"),),
            )  # fmt: skip


def _addresses(working: Working, host: BillingHost, tree: LoadedTree | None, query: Query) -> list[str]:
    """The addresses that the subscriber has by the billing now, or by the desired files."""
    known = {} if tree is None else tree.state.subscribers
    return [
        ip for ip, each in {**known, **working.billed}.items() if query.fits(ip, each.id, ipv6_prefix=host.ipv6_prefix)
    ]


def _address_steps(
    working: Working, rules: Rules, ip: str, *, host: BillingHost, overrides: Overrides, now: datetime
) -> Iterator[Step]:
    yield from rules.kept(ip)
    shown = working.acted.absent.get(ip, ())
    if ip in working.acted.subscribers:
        shown = working.acted.subscribers[ip].overrides
    yield from override_steps(overrides, shown, today=now.date())
    for name in sorted(working.acted.shared.leaving.get(ip, ())):
        yield Step(
            rule="shared limit", says=f"leaves the group {name}, whose other members the override does not match"
        )
    billed = working.billed.get(ip)
    if billed is not None:
        yield from expired_steps(overrides, billed, host.name, shown, today=now.date(), ipv6_prefix=host.ipv6_prefix)
        for name in billed.groups:
            policy = working.acted.shared.groups.get(name)
            if policy is not None:
                yield Step(rule="shared limit", says=f"the group {name} follows its members to {policy.policy}")


def _line(tree: LoadedTree | None, ip: str) -> str | None:
    return line(tree.state.subscribers[ip]) if tree is not None and ip in tree.state.subscribers else None


def place(tree: LoadedTree | None, ip: str) -> str | None:
    """`file:line:column` of an address in the desired files."""
    if tree is None or ip not in tree.state.subscribers:
        return None
    found = tree.place("subscribers", ip)
    return f"{found.file if isinstance(found.file, Path) else ''}:{found.line}:{found.column}"
