from datetime import UTC, datetime
from typing import Any

import pytest

from generator.desired.build import Built, build
from generator.desired.overrides.model import NONE, Overrides
from generator.inventory.settings import BillingHost, BlockRates, Scaling
from generator.model import BillingAnswer, DesiredState, Limit, PlanRecord, ServiceRecord
from generator.net.tls import TlsSettings

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def make_host(**changes: Any) -> BillingHost:
    settings: dict[str, Any] = {
        "name": "billing-1", "system": "splynx", "host": "192.0.2.1", "port": 443, "timeout_s": 10.0,
        "tls": TlsSettings(), "credentials": {}, "mode": "pull", "subscriber_id": "login",
        "block_inactive": True, "active_statuses": ("active",), "block_on": "status",
        "rate_scaling": Scaling(), "policy_names": "service", "subscriber_groups": True,
        "dual_stack_groups": False, "ip_versions": (4,), "ipv6_prefix": 64, "zero_rate": "reject",
        "block_rates": BlockRates(), "networks": (), "keep_absent_s": 0, "services_per_ip": "first",
        "plan_rates": {}, "equipment_categories": (1,), "requests_per_second": None,
        "max_shrink_percent": 20,
    }  # fmt: skip
    return BillingHost(**(settings | changes))


def make_plan(plan_id: str = "17", name: str = "Home 50M", **changes: Any) -> PlanRecord:
    given = {"download": Limit(rate=50_000), "upload": Limit(rate=10_000)} | changes
    return PlanRecord(id=plan_id, name=name, **given)


def make_service(number: int, *addresses: str, **changes: Any) -> ServiceRecord:
    given: dict[str, Any] = {
        "record": f"session {number}", "plan": "17", "ids": {"login": f"user {number}"},
        "addresses": addresses, "statuses": {"status": "active"}, "rank": (number,),
    }  # fmt: skip
    return ServiceRecord(**(given | changes))


class Maker:
    """What tests of building need, at hand in one fixture."""

    host = staticmethod(make_host)
    plan = staticmethod(make_plan)
    service = staticmethod(make_service)
    now = NOW

    def answer(
        self, *services: ServiceRecord, plans: tuple[PlanRecord, ...] | None = None, **rest: Any
    ) -> BillingAnswer:
        return BillingAnswer(plans=(make_plan(),) if plans is None else plans, services=services, **rest)

    def build(
        self,
        *services: ServiceRecord,
        plans: tuple[PlanRecord, ...] | None = None,
        previous: DesiredState | None = None,
        now: datetime = NOW,
        answer: dict[str, Any] | None = None,
        overrides: Overrides = NONE,
        **host: Any,
    ) -> Built:
        return build(
            self.answer(*services, plans=plans, **(answer or {})),
            make_host(**host),
            previous=previous,
            now=now,
            overrides=overrides,
        )


@pytest.fixture
def make() -> Maker:
    return Maker()
