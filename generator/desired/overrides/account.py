"""What became of the overrides over all sources: unused, expired, at odds, or naming a policy nobody has."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from generator.desired.overrides.acting import act
from generator.desired.overrides.model import ABSENT_REASON, Override, Overrides
from generator.desired.overrides.shared import as_billed
from generator.desired.tally import Tally
from generator.documents.nearest import suggestion
from generator.errors import DocumentError, Problem
from generator.inventory.settings import BillingHost
from generator.model import DesiredState


class Account(Struct, frozen=True, kw_only=True):
    """The overrides held against the desired state on disk, without asking any billing system.

    `matched` says for each override how many addresses it matches; one whose sources were never rendered is
    missing there.
    """

    problems: tuple[Problem, ...]
    matched: Mapping[str, int]


def examine(
    overrides: Overrides, states: Mapping[str, DesiredState], hosts: Mapping[str, BillingHost], *, today: date
) -> Account:
    """What the `overrides` would do to `states`, the desired states on disk of the billing `hosts`, by name."""
    problems: list[Problem] = []
    matched: dict[str, int] = {}
    bare = {source: as_billed(states[source]) for source in hosts if source in states}
    for source, state in bare.items():
        _count_absent(state, matched)
        try:
            acted = act(
                overrides, state.subscribers, state.policies, state.groups,
                source=source, ipv6_prefix=hosts[source].ipv6_prefix, today=today, tally=Tally(),
            )  # fmt: skip
        except DocumentError as error:
            problems += error.problems
            continue
        for name, count in acted.used.items():
            matched[name] = matched.get(name, 0) + count
    for override in _decidable(overrides, bare, hosts, today):
        matched.setdefault(override.name, 0)
    problems += policy_problems(overrides, {name: state.policies for name, state in bare.items()}, hosts, today=today)
    return Account(problems=tuple(problems), matched=matched)


def _count_absent(state: DesiredState, matched: dict[str, int]) -> None:
    """Whom overrides made absent stands in `rejected.yml` alone."""
    for each in state.rejected:
        if each.reason.startswith(ABSENT_REASON):
            for name in each.reason.removeprefix(ABSENT_REASON).split(", "):
                matched[name] = matched.get(name, 0) + 1


def _decidable(overrides: Overrides, known: Collection[str], hosts: Iterable[str], today: date) -> Iterator[Override]:
    """Overrides that hold, and whose sources are all known: what is said of them is the whole truth."""
    for each in overrides.entries:
        sources = set(hosts) if each.match.source is None else {each.match.source}
        if not each.expired(today) and sources and sources <= set(known):
            yield each


def policy_problems(
    overrides: Overrides, policies: Mapping[str, Collection[str]], hosts: Iterable[str], *, today: date
) -> list[Problem]:
    """Overrides to a policy that none of their sources has; `policies` are the names in each known source.

    Where an override matches somebody of a source without its policy, `act` says so.
    """
    problems = []
    for each in _decidable(overrides, policies, hosts, today):
        sources = policies if each.match.source is None else (each.match.source,)
        names = {name for source in sources for name in policies[source]}
        if each.policy is not None and each.policy not in names:
            what = f"no policy is called {each.policy!r} in {', '.join(sources)}"
            fix = suggestion(each.policy, sorted(names)) or "choose one of policies.yml"
            problems.append(overrides.problem(what, each.name, "set", "policy", fix=fix))
    return problems


def warnings(
    overrides: Overrides, used: Collection[str], known: Collection[str], hosts: Iterable[str], *, today: date
) -> Iterator[str]:
    """The overrides that are void, and those that match nobody in `known`, the sources that were looked at."""
    decidable = {each.name for each in _decidable(overrides, known, hosts, today)}
    for each in overrides.entries:
        if each.expired(today):
            yield (
                f"{overrides.where(each.name)}: override {each.name} expired after {each.until}: it is void; "
                f"bqnctl override remove {each.name}, or set a later date"
            )
        elif each.name in decidable and each.name not in used:
            yield f"{overrides.where(each.name)}: override {each.name} matches nobody"
