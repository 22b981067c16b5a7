import pytest

from generator.billing import splynx
from generator.billing.read import _systems, connector_of
from generator.errors import UsageError
from generator.inventory.settings import BillingHost, BlockRates, Scaling
from generator.net.tls import TlsSettings


def host(system: str) -> BillingHost:
    return BillingHost(
        name="main", system=system, host="127.0.0.1", port=1, timeout_s=1, tls=TlsSettings(), credentials={},
        mode="online", subscriber_id="login", block_inactive=True, active_statuses=(), block_on=None,
        rate_scaling=Scaling(), policy_names="service", subscriber_groups=False, dual_stack_groups=False,
        ip_versions=(4,), ipv6_prefix=64, zero_rate="reject", block_rates=BlockRates(), networks=(),
        keep_absent_s=0, services_per_ip="last", plan_rates={}, equipment_categories=(),
        requests_per_second=None, max_shrink_percent=20,
    )  # fmt: skip


def test_a_system_is_read_by_its_module() -> None:
    assert connector_of(host("splynx")) is splynx


@pytest.mark.parametrize("system", ["nosuch", "http", "read", "..splynx", "splynx ", "", "__init__", "os"])
def test_what_is_no_connector_is_an_error_that_names_those_there_are(system: str) -> None:
    with pytest.raises(UsageError) as caught:
        connector_of(host(system))
    assert "host main" in str(caught.value)
    assert "splynx" in str(caught.value.fix)


def test_shared_modules_are_no_systems() -> None:
    assert "splynx" in _systems()
    assert not {"http", "read", "text", "numbers", "body", "transport"} & _systems()


def test_missing_credentials_are_named() -> None:
    with pytest.raises(UsageError, match="api_key and api_secret missing"):
        splynx.read(host("splynx"))
