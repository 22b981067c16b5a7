"""The explanation of one subscriber, for people and for machines."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from generator.desired.explaining.model import DesiredStory, RecordStory, RejectedStory, SourceStory, Step
from generator.reconcile.whereabouts import OnAppliance, Whereabouts
from generator.report.safe import printable, printable_json
from generator.report.wording import SIGNS, describe

FORMAT = "bqnctl-explain/1"


class Explanation(Struct, frozen=True, kw_only=True):
    """All that is known of one subscriber, from the billing record to the live BQNs.

    `offline` says that no billing system was asked.
    """

    format: str = FORMAT
    query: str
    offline: bool
    sources: tuple[SourceStory, ...]
    ranges: tuple[DesiredStory, ...]
    rejected: tuple[RejectedStory, ...]
    appliances: tuple[OnAppliance, ...]

    @property
    def found(self) -> bool:
        """Whether anybody knows the subscriber: a billing system, the desired files or a BQN."""
        known = any(story.records or story.addresses for story in self.sources)
        live = any(each.addresses for each in self.appliances)
        return bool(known or self.ranges or self.rejected or live)


def explanation_json(explanation: Explanation) -> str:
    """The explanation as JSON, with `found` beside what it holds."""
    fields: dict[str, Any] = msgspec.to_builtins(explanation)
    encoded = msgspec.json.encode({**fields, "found": explanation.found})
    return printable_json(msgspec.json.format(encoded, indent=2).decode()) + "\n"


def explanation_text(explanation: Explanation) -> str:
    """The explanation as text, safe for a terminal."""
    return "".join(f"{printable(line)}\n" for line in _lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    for source in explanation.sources:
        yield from _source(source, offline=explanation.offline)
    for group in explanation.ranges:
        yield f"{group.source}: in a range of a group"
        yield f"  {group.desired}"
        yield f"    at {group.where}"
    if explanation.rejected:
        yield "rejected"
        for rejected in explanation.rejected:
            yield f"  {rejected.source}: {rejected.line}"
            yield f"    at {rejected.where}"
    for appliance in explanation.appliances:
        yield from _appliance(appliance)
    yield from _verdict(explanation)


def _source(source: SourceStory, *, offline: bool) -> Iterator[str]:
    if not (source.error or source.records or source.addresses):
        return
    yield f"{source.source}"
    if source.error:
        yield from _error(source.error)
    for record in source.records:
        yield from _record(record)
    if not source.records and not offline and not source.error:
        yield "  the billing does not list it now"
    for address in source.addresses:
        yield from _address(address)


def _error(text: str) -> Iterator[str]:
    """An error's own lines; no other text may break a line, for it could pass for one of ours."""
    first, *rest = text.split("\n")
    yield f"  error: {first}"
    yield from (f"  {line}" for line in rest)


def _record(record: RecordStory) -> Iterator[str]:
    yield f"  billing record: {record.record}"
    for name, value in record.read.items():
        yield f"    {name}: {_plain(value)}"
    yield from _steps(record.steps)


def _steps(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        where = f"  ({step.where})" if step.where else ""
        yield f"    → {step.rule}: {step.says}{where}"


def _address(address: DesiredStory) -> Iterator[str]:
    yield f"  desired: {address.desired or f'{address.ip} has no line'}"
    if address.where:
        yield f"    at {address.where}"
    yield from _steps(address.steps)
    if address.asked and address.next != address.desired:
        yield f"    render would write: {address.next or 'no line'}"


def _appliance(appliance: OnAppliance) -> Iterator[str]:
    if not (appliance.error or appliance.addresses):
        return
    yield appliance.bqn
    if appliance.error:
        yield from _error(appliance.error)
    for address in appliance.addresses:
        yield from _whereabouts(address)


def _whereabouts(address: Whereabouts) -> Iterator[str]:
    groups = f", in {', '.join(address.groups)}" if address.groups else ""
    also = f" (also in {', '.join(address.also)}, later in sources)" if address.also else ""
    source = f" from {address.source}{also}" if address.source else ""
    yield f"  {address.ip}{source}, live: {'not there' if address.live is None else _plain(address.live)}{groups}"
    for change in address.changes:
        key = "" if change.key == address.ip else f" {change.kind.value} {change.key}"
        yield f"    next apply: {SIGNS[change.action]} {change.action.value}{key} {describe(change)}".rstrip()
    if address.refused:
        yield f"    the whole apply would be refused: {', '.join(address.refused)} (bqnctl plan shows it)"
    if not address.changes:
        yield f"    next apply: nothing ({_why_nothing(address)})"


def _why_nothing(address: Whereabouts) -> str:
    if address.left_alone:
        return address.left_alone
    if address.wanted is None:
        return "its select leaves it out" if address.live is None else "it cannot be planned"
    return "it is as desired"


def _verdict(explanation: Explanation) -> Iterator[str]:
    if explanation.found:
        return
    asked = "the desired files" if explanation.offline else "billing systems, desired files"
    failed = [each.source for each in explanation.sources if each.error]
    failed += [each.bqn for each in explanation.appliances if each.error]
    but = f"; not all could answer: {', '.join(failed)}" if failed else ""
    yield f"nobody knows {explanation.query}: {asked} and BQNs were asked{but}"


def _plain(value: Any) -> str:
    """A value in words; what is not there, not so, or empty is left out of a mapping."""
    if isinstance(value, dict):
        said = {name: part for name, part in value.items() if part or (part == 0 and part is not False)}
        return ", ".join(f"{name} {_plain(part)}" for name, part in said.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_plain, value))
    return str(value)
