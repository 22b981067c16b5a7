"""The overrides that acted on one address, each with its reason and place."""

from collections.abc import Iterable, Iterator
from datetime import date

from generator.desired.explaining.model import Step
from generator.desired.overrides.acting import matching
from generator.desired.overrides.model import Override, Overrides
from generator.model import Subscriber


def override_steps(overrides: Overrides, names: Iterable[str]) -> Iterator[Step]:
    """The overrides called `names`, in their order; one that is no longer in the file says so."""
    by_name = {each.name: each for each in overrides.entries}
    for name in names:
        each = by_name.get(name)
        if each is None:
            yield Step(rule=f"override {name}", says="is no longer in overrides.yml: the next render takes it back")
        else:
            yield Step(rule=f"override {name}", says=f"{sets(each)}: {each.reason}", where=overrides.where(name))


def expired_steps(
    overrides: Overrides, subscriber: Subscriber, source: str, *, today: date, ipv6_prefix: int
) -> Iterator[Step]:
    """The overrides that would act on `subscriber`, as the billing alone has it, had they not expired."""
    void = [each for each in overrides.entries if each.expired(today) and each.match.source in (None, source)]
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
