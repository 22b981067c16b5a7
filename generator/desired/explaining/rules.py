"""The rules that acted on one billing record, each with its numbers and the line that set it."""

from collections.abc import Iterator
from datetime import timedelta

from generator.desired.absent import read_time
from generator.desired.addresses import AddressRules, Use
from generator.desired.blocking import status_of
from generator.desired.build import Working
from generator.desired.claims import Candidate
from generator.desired.explaining.model import Step, WhereOf
from generator.desired.groups import MAX_GROUPS
from generator.desired.names import clean_text
from generator.inventory.settings import BillingHost
from generator.model import GroupRecord, Limit, PlanRecord, ServiceRecord


class Rules:
    """The rules of one source, asked about single records."""

    def __init__(self, host: BillingHost, working: Working, plans: dict[str, PlanRecord], where: WhereOf) -> None:
        self._host, self._working, self._plans, self._where = host, working, plans, where
        self._addresses = AddressRules(host)
        self._candidates = {each.position: each for each in working.records.candidates}

    def steps(self, position: int, record: ServiceRecord) -> Iterator[Step]:
        """What the rules made of `record`, which stands at `position` in the billing's answer."""
        yield from self._identity(record)
        yield from self._plan(record)
        yield from self._status(record)
        yield from self._written_addresses(record)
        candidate = self._candidates.get(position)
        if candidate is not None:
            yield from self._claims(candidate)
            yield from self._groups(candidate)

    def kept(self, ip: str) -> Iterator[Step]:
        """Why an address that the billing does not list is there all the same."""
        since = self._working.kept.absent.get(ip)
        if since is not None:
            until = read_time(since) + timedelta(seconds=self._host.keep_absent_s)
            says = f"not listed since {since}; kept until {until:%Y-%m-%dT%H:%MZ} as it was"
            yield self._step("keep_absent", says)
        elif ip in self._working.kept.subscribers:
            yield Step(rule="unread", says="its service could not be read this time: it stays as it was")

    def _step(self, setting: str, says: str) -> Step:
        return Step(rule=setting, says=says, where=self._where(setting))

    def _identity(self, record: ServiceRecord) -> Iterator[Step]:
        identity = clean_text(record.ids.get(self._host.subscriber_id, ""))
        says = f"{self._host.subscriber_id} {identity!r} is the subscriber id" if identity else "it has no such id"
        yield self._step("subscriber_id", says)

    def _plan(self, record: ServiceRecord) -> Iterator[Step]:
        if record.plan is None:
            yield Step(rule="plan", says="it has no plan: rejected")
            return
        plan, shown = self._plans.get(record.plan), clean_text(record.plan)
        name = self._working.policies.name_of.get(record.plan)
        if plan is None:
            yield Step(rule="plan", says=f"its plan {shown} is not in the list of plans: rejected")
            return
        what = f"plan {shown} ({clean_text(plan.name)})"
        if name is None:
            why = self._working.policies.refused.get(record.plan, "")
            yield Step(rule="plan", says=f"{what} cannot be used: {why}: rejected")
            yield from self._rates(plan, None)
            return
        yield self._step("policy_names", f"{what} is the policy {name} ({self._host.policy_names})")
        yield from self._rates(plan, name)

    def _rates(self, plan: PlanRecord, name: str | None) -> Iterator[Step]:
        policy = None if name is None else self._working.policies.policies[name]
        given, scaling = self._host.plan_rates.get(plan.name), self._host.rate_scaling
        yield from self._rate(
            "download", plan.download, given.download if given else None, scaling.download,
            policy.download if policy else None,
        )  # fmt: skip
        yield from self._rate(
            "upload", plan.upload, given.upload if given else None, scaling.upload, policy.upload if policy else None
        )

    def _rate(self, side: str, sold: Limit, filled: int | None, percent: int, result: Limit | None) -> Iterator[Step]:
        rate = sold.rate
        if not rate and filled is not None:
            yield self._step("plan_rates", f"{side}: the billing has {_kbps(rate)}; {filled} kbps are set here")
            rate = filled
        if not rate:
            yield self._step("zero_rate", f"{side}: {_kbps(rate)} in the billing: {_zero(self._host.zero_rate)}")
        elif result is not None and percent != 100:  # noqa: PLR2004 - as sold
            yield self._step("rate_scaling", f"{side}: {rate} kbps at {percent} % is {result.rate} kbps")
            yield from self._burst(side, sold, result, percent)

    def _burst(self, side: str, sold: Limit, result: Limit, percent: int) -> Iterator[Step]:
        if sold.burst_rate:
            became = f"is {result.burst_rate} kbps" if result.burst_rate else "is not above the rate: no burst"
            yield self._step("rate_scaling", f"{side}: a burst of {sold.burst_rate} kbps at {percent} % {became}")

    def _status(self, record: ServiceRecord) -> Iterator[Step]:
        status = clean_text(status_of(record.statuses, self._host))
        if not self._host.block_inactive:
            yield self._step("block_inactive", f"false: nobody is blocked for a status ({status or 'none'})")
            return
        active = ", ".join(self._host.active_statuses)
        if not status:
            yield self._step("block_on", "the record has no status: taken as active")
        elif status.casefold() in {clean_text(each).casefold() for each in self._host.active_statuses}:
            yield self._step("active_statuses", f"status {status} is one of [{active}]: not blocked")
        else:
            yield self._step("active_statuses", f"status {status} is none of [{active}]: blocked")

    def _written_addresses(self, record: ServiceRecord) -> Iterator[Step]:
        if not any(text.strip() for text in record.addresses):
            yield Step(rule="address", says="it has no address: rejected")
        for written in dict.fromkeys(record.addresses):
            parsed = self._addresses.parse(written)
            shown = clean_text(written)
            if parsed.use is Use.OTHER_FAMILY:
                yield self._step("ip_versions", f"{shown} is left out: only IPv{self._host.ip_versions[0]} is taken")
            elif parsed.use is Use.REFUSED and parsed.text:
                setting = "networks" if "networks" in parsed.reason else "address"
                says = f"{shown}: {parsed.reason}: rejected"
                yield self._step(setting, says) if setting == "networks" else Step(rule=setting, says=says)
            elif parsed.use is Use.RANGE:
                yield self._step("dual_stack_groups", f"{shown} is the range {parsed.text} of its DS- group")
            elif parsed.text and parsed.text != shown:
                setting = "ipv6_prefix" if ":" in parsed.text else "address"
                says = f"{shown} is the subscriber address {parsed.text}"
                yield self._step(setting, says) if ":" in parsed.text else Step(rule=setting, says=says)

    def _claims(self, candidate: Candidate) -> Iterator[Step]:
        claims: dict[str, list[str]] = {}
        for each in self._working.records.candidates:
            for address in {*each.keys, *each.ranges}.intersection((*candidate.keys, *candidate.ranges)):
                if each is not candidate:
                    claims.setdefault(address, []).append(each.name)
        for address in (*candidate.keys, *candidate.ranges):
            others = claims.get(address)
            if not others:
                continue
            winner = self._working.winners.get(address)
            won = (
                "nobody has it" if winner is None else f"{'this record' if winner is candidate else winner.name} has it"
            )
            says = f"{address} is claimed by {', '.join(others)} too; {self._host.services_per_ip}: {won}"
            yield self._step("services_per_ip", says)

    def _groups(self, candidate: Candidate) -> Iterator[Step]:
        named = candidate.record.groups
        if named and not self._host.subscriber_groups:
            yield self._step("subscriber_groups", f"false: {_group_names(named)} are left out")
        elif named:
            yield self._step("subscriber_groups", f"it is in {_group_names(named)}")
        own = self._working.dual.name_of.get(candidate.position)
        if own is not None:
            yield self._step("dual_stack_groups", f"its addresses share the limit of the group {own}")
        if len(named) + (own is not None) > MAX_GROUPS:
            yield Step(rule="groups", says=f"more than {MAX_GROUPS}: the first {MAX_GROUPS} are kept (DS-, L1-, name)")


def _kbps(rate: int | None) -> str:
    return "no rate" if rate is None else f"{rate} kbps"


def _zero(rule: str) -> str:
    return {"unlimited": "unlimited", "block": "a rate of 0", "reject": "rejected"}.get(rule, rule)


def _group_names(groups: tuple[GroupRecord, ...]) -> str:
    names = (f"{each.level}-{each.name}" if each.level else each.name for each in groups)
    return ", ".join(map(clean_text, names))
