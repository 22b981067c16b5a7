"""How a BQN's forms of one thing are read as one thing, and what is sent for it."""

import pytest

from generator.bqn.kinds import Kind, object_path
from generator.bqn.live import EMPTY_COLLECTION, decode_state
from generator.bqn.wire import (
    WireLimit,
    canonical_ip,
    canonical_range,
    limit_body,
    policy_body,
    read_limit,
    without_unlimited,
)
from generator.model import Limit, Policy


@pytest.mark.parametrize("rate", [None, -1, 100_000_000, 2_147_483_647])
def test_every_form_of_unlimited_is_read_as_none(rate: int | None) -> None:
    assert read_limit(WireLimit(rate=rate)) == Limit()


def test_a_missing_direction_is_unlimited() -> None:
    assert read_limit(None) == Limit()


@pytest.mark.parametrize("filler", [None, 0, -1])
def test_burst_fillers_are_no_burst(filler: int | None) -> None:
    wire = WireLimit(rate=5, burstRate=filler, burstDuration=filler, burstThreshold=7)
    assert read_limit(wire) == Limit(rate=5)


def test_zero_is_a_block_not_unlimited() -> None:
    assert read_limit(WireLimit(rate=0)) == Limit(rate=0)
    assert limit_body(Limit(rate=0)) == {"rate": 0}


def test_unlimited_is_sent_as_minus_one_or_left_out() -> None:
    body = policy_body(Policy(name="P", id="1", download=Limit(), upload=Limit(rate=5)))
    assert body == {"policyId": "1", "rateLimitDownlink": {"rate": -1}, "rateLimitUplink": {"rate": 5}}
    assert without_unlimited(body) == {"policyId": "1", "rateLimitDownlink": {}, "rateLimitUplink": {"rate": 5}}
    assert without_unlimited({"rateLimitUplink": {"rate": 5}}) is None


def test_a_rate_above_what_the_appliance_takes_is_capped() -> None:
    assert limit_body(Limit(rate=10**12)) == {"rate": 2_147_483_647}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("2001:DB8:0:1::5", "2001:db8:0:1::"),
        ("2001:0db8:0000:0001:0000:0000:0000:0000", "2001:db8:0:1::"),
        ("10.0.0.1", "10.0.0.1"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_addresses_are_compared_masked_and_compressed(text: str, canonical: str) -> None:
    assert canonical_ip(text, ipv6_prefix=64) == canonical


def test_ranges_are_compared_masked() -> None:
    assert canonical_range("2001:DB8::1/48") == "2001:db8::/48"
    assert canonical_range("what") == "what"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("VP-10M/50M", "/api/v1/policies/rate/VP-10M%2F50M"),
        ("Café", "/api/v1/policies/rate/Caf%C3%A9"),
        ("50%?#", "/api/v1/policies/rate/50%25%3F%23"),
    ],
)
def test_names_are_encoded_whole(key: str, path: str) -> None:
    assert object_path(Kind.POLICY, key) == path


def test_what_a_subscriber_refers_to_may_be_a_number() -> None:
    """Scripts that push write a plan called 100 as a number; that must not cost the whole list."""
    subscribers = b'{"items":[{"subscriberIp":"10.0.0.1","subscriberId":7,"policyRate":100}]}'
    groups = b'{"items":[{"subscriberGroupName":"G","subscriberGroupType":1,"policyRate":100}]}'
    bodies = {Kind.POLICY: EMPTY_COLLECTION, Kind.SUBSCRIBER: subscribers, Kind.GROUP: groups}
    live = decode_state(bodies.__getitem__, ipv6_prefix=64)
    assert (live.subscribers["10.0.0.1"].id, live.subscribers["10.0.0.1"].policy) == ("7", "100")
    assert (live.groups["G"].type, live.groups["G"].policy) == ("1", "100")
