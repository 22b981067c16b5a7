"""Subscribers that a source of live sessions does not list just now."""

from datetime import timedelta
from typing import Any

import pytest

from generator.desired.absent import read_time, write_time
from generator.model import GroupRecord, Limit, Unread

DAY = 86_400


def test_offline_is_not_gone_until_the_time_is_up(make: Any) -> None:
    first = make.build(make.service(1, "10.0.0.1"), make.service(2, "10.0.0.2"), keep_absent_s=DAY).state
    assert first.absent == {}
    state = first
    for hours in (0, 1, 23):
        now = make.now + timedelta(hours=hours)
        state = make.build(make.service(1, "10.0.0.1"), previous=state, keep_absent_s=DAY, now=now).state
        assert state.absent == {"10.0.0.2": "2024-05-06T07:08Z"}
        assert state.subscribers["10.0.0.2"] == first.subscribers["10.0.0.2"]
    now = make.now + timedelta(hours=24)
    gone = make.build(make.service(1, "10.0.0.1"), previous=state, keep_absent_s=DAY, now=now).state
    assert (list(gone.subscribers), gone.absent) == (["10.0.0.1"], {})


def test_who_comes_back_is_absent_no_more(make: Any) -> None:
    service = make.service(1, "10.0.0.1")
    away = make.build(previous=make.build(service).state, keep_absent_s=DAY).state
    assert list(away.absent) == ["10.0.0.1"]
    assert make.build(service, previous=away, keep_absent_s=DAY).state.absent == {}


def test_without_keep_absent_they_go_at_once(make: Any) -> None:
    state = make.build(previous=make.build(make.service(1, "10.0.0.1")).state, keep_absent_s=0).state
    assert (state.subscribers, state.absent) == ({}, {})


@pytest.mark.parametrize("plan", ["99", None])
def test_a_rejected_record_still_claims_its_address(make: Any, plan: str | None) -> None:
    before = make.build(make.service(1, "10.0.0.1")).state
    state = make.build(make.service(1, "10.0.0.1", plan=plan), previous=before, keep_absent_s=DAY).state
    assert state.subscribers == {}


def test_an_absent_subscriber_follows_its_policy_to_a_new_name(make: Any) -> None:
    before = make.build(make.service(1, "10.0.0.1")).state
    plans = (make.plan("17", "Home New", download=Limit(rate=1)),)
    after = make.build(plans=plans, previous=before, keep_absent_s=DAY).state
    assert after.subscribers["10.0.0.1"].policy == "Home_New"
    assert "Home_50M" not in after.policies


def test_a_policy_that_is_gone_stays_as_long_as_somebody_absent_has_it(make: Any) -> None:
    before = make.build(make.service(1, "10.0.0.1"), plans=(make.plan(), make.plan("18", "Unused"))).state
    after = make.build(plans=(), previous=before, keep_absent_s=DAY).state
    assert after.policies["Home_50M"] == before.policies["Home_50M"]
    assert "Unused" not in after.policies
    later = make.build(plans=(), previous=after, keep_absent_s=DAY, now=make.now + timedelta(days=2)).state
    assert "Home_50M" not in later.policies


def test_an_absent_subscriber_keeps_its_groups_less_claimed_ranges(make: Any) -> None:
    settings = {"keep_absent_s": DAY, "dual_stack_groups": True, "ip_versions": (4, 6)}
    group = (GroupRecord(level="L1", name="AP", type="access-point"),)
    addresses = ("10.0.0.1", "2001:db8:1::/56", "2001:db8:2::/56")
    before = make.build(make.service(1, *addresses, groups=group), **settings).state
    after = make.build(make.service(2, "2001:db8:2::/56"), previous=before, **settings).state
    assert after.subscribers["10.0.0.1"].groups == ("L1-AP", "DS-user_1")
    assert after.groups["L1-AP"] == before.groups["L1-AP"]
    assert after.groups["DS-user_1"].ranges == ("2001:db8:1::/56",)
    assert after.groups["DS-user_2"].ranges == ("2001:db8:2::/56",)


def test_times_are_utc_to_the_minute(make: Any) -> None:
    text = write_time(make.now)
    assert text == "2024-05-06T07:08Z"
    assert read_time(text) == make.now.replace(second=0)
    for wrong in ("2024-05-06", "2024-13-06T07:08Z", "2024-05-06T07:08+01", " 2024-05-6T07:08Z", "now"):
        with pytest.raises(ValueError, match=r"time|month"):
            read_time(wrong)


def test_who_could_not_be_read_stays_as_he_was_however_long(make: Any) -> None:
    group = (GroupRecord(level="L1", name="AP"),)
    before = make.build(make.service(1, "10.0.0.1"), make.service(2, "10.0.0.2", groups=group)).state
    unread = (Unread(record="equipment 2", addresses=("10.0.0.2",), reason="HTTP 500"),)
    state = before
    for _ in range(3):
        built = make.build(make.service(1, "10.0.0.1"), previous=state, answer={"unread": unread})
        state = built.state
        assert state == before
        assert "equipment 2: HTTP 500" in built.warnings[0]


def test_who_could_not_be_read_and_was_never_known_is_rejected(make: Any) -> None:
    unread = (Unread(record="equipment 2", addresses=("10.0.0.2",), reason="HTTP 500"),)
    state = make.build(make.service(1, "10.0.0.1"), answer={"unread": unread}).state
    assert [(each.record, each.ip, each.reason) for each in state.rejected] == [("equipment 2", "10.0.0.2", "HTTP 500")]


def test_an_address_that_another_record_names_is_not_kept_for_one_that_could_not_be_read(make: Any) -> None:
    before = make.build(make.service(1, "10.0.0.1")).state
    unread = (Unread(record="equipment 1", addresses=("10.0.0.1",), reason="HTTP 500"),)
    state = make.build(make.service(2, "10.0.0.1"), previous=before, answer={"unread": unread}).state
    assert state.subscribers["10.0.0.1"].id != before.subscribers["10.0.0.1"].id
