"""The overrides that acted on one address, each with its reason and place."""

from collections.abc import Iterable, Iterator
from datetime import date

from generator.desired.explaining.model import Step
from generator.desired.overrides.acting import matching
from generator.desired.overrides.model import Override, Overrides
from generator.model import Subscriber


def override_steps(overrides: Overrides, names: Iterable[str], *, today: date) -> Iterator[Step]:
    """The overrides called `names`, in their order; one that is no longer in the file, or void, says so."""
    by_name = {each.name: each for each in overrides.entries}
    for name in names:
        each = by_name.get(name)
        if each is None:
            yield Step(rule=f"override {name}", says="is no longer in overrides.yml: the next render takes it back")
        elif each.expired(today):
            says = f"expired after {each.until}: the next render takes it back: {sets(each)}"
            yield Step(rule=f"override {name}", says=says, where=overrides.where(name))
        else:
            yield Step(rule=f"override {name}", says=f"{sets(each)}: {each.reason}", where=overrides.where(name))


def unrendered_steps(
    overrides: Overrides, subscriber: Subscriber, source: str, shown: Iterable[str], *, today: date, ipv6_prefix: int
) -> Iterator[Step]:
    """The overrides that the next render will apply to `subscriber`, as the billing alone has it; not `shown` yet."""
    holding = overrides.holding(source, today)
    for name in matching(holding, {subscriber.ip: subscriber}, ipv6_prefix=ipv6_prefix).get(subscriber.ip, ()):
        if name not in shown:
            each = next(each for each in holding if each.name == name)
            says = f"acts with the next render: {sets(each)}: {each.reason}"
            yield Step(rule=f"override {name}", says=says, where=overrides.where(name))


def expired_steps(
    overrides: Overrides, subscriber: Subscriber, source: str, shown: Iterable[str], *, today: date, ipv6_prefix: int
) -> Iterator[Step]:
    """The overrides not `shown` that would act on `subscriber`, as the billing alone has it, had they not expired."""
    void = [
        each
        for each in overrides.entries
        if each.expired(today) and each.match.source in (None, source) and each.name not in shown
    ]
    found = matching(void, {subscriber.ip: subscriber}, ipv6_prefix=ipv6_prefix)
    for name in found.get(subscriber.ip, ()):
        each = next(each for each in void if each.name == name)
        says = f"expired after {each.until}, so it does not: {sets(each)}"
        yield Step(rule=f"override {name}", says=says, where=overrides.where(name))


def sets(override: Override) -> str:
    """What an override sets, on one line."""
    parts = []
    if override.policy is not None:
        parts.append(f"policy {override.policy}")
    if override.rates is not None:
        rates = (override.rates.download, override.rates.upload)
        down, up = ("unlimited" if rate is None else f"{rate} kbps" for rate in rates)
        parts.append(f"rates {down} down, {up} up")
    if override.blocked is not None:
        parts.append("blocked" if override.blocked else "not blocked")
    if override.groups is not None:
        only = override.groups.only
        parts += [] if only is None else [f"groups [{', '.join(only)}]"]
        parts += [f"group +{name}" for name in sorted(override.groups.add)]
        parts += [f"group -{name}" for name in sorted(override.groups.remove)]
    if override.absent:
        parts.append("absent")
    return ", ".join(parts)
