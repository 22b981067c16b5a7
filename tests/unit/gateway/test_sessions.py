"""Who has an address, told by records in any order."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.gateway.radius.packet import Accounting, canonical_mac
from generator.gateway.radius.sessions import Sessions


def record(
    status: str, session: str, *, at: float, ip: str = "10.0.0.1", began: float | None = None, **more: str
) -> Accounting:
    values: dict[str, Any] = {
        "Acct-Session-Id": (session,),
        **{name.replace("_", "-"): (v,) for name, v in more.items()},
    }
    if ip:
        values["Framed-IP-Address"] = (ip,)
    return Accounting(status=status, values=values, started_s=at if began is None else began, event_s=at, reply=b"")


def owners(sessions: Sessions) -> dict[str, str]:
    return {
        each.address: each.values["Acct-Session-Id"][0] for each in sessions if sessions.owner(each.address) is each
    }


def test_two_users_swap_their_addresses() -> None:
    sessions = Sessions()
    for each in (
        record("start", "a", at=0, ip="10.0.0.1"), record("start", "b", at=0, ip="10.0.0.2"),
        record("stop", "a", at=10), record("start", "a2", at=11, ip="10.0.0.2"),
        record("start", "b2", at=12, ip="10.0.0.1"), record("stop", "b", at=13, ip="10.0.0.2"),
    ):  # fmt: skip
        sessions.apply(each, nas="n")
    assert owners(sessions) == {"10.0.0.1": "b2", "10.0.0.2": "a2"}


def test_an_address_moves_the_same_whatever_the_order_of_records() -> None:
    story = [
        record("start", "old", at=100), record("interim", "old", at=400, began=100), record("start", "new", at=500),
        record("interim", "new", at=800, began=500), record("stop", "old", at=850, began=100),
    ]  # fmt: skip
    for order in permutations(story):
        sessions = Sessions()
        for each in order:
            sessions.apply(each, nas="n")
        assert owners(sessions) == {"10.0.0.1": "new"}


def test_ids_of_different_routers_are_different_sessions() -> None:
    sessions = Sessions()
    sessions.apply(record("start", "1", at=0, ip="10.0.0.1"), nas="n")
    sessions.apply(record("start", "1", at=0, ip="10.0.0.2"), nas="m")
    assert len(sessions) == 2


def test_an_id_used_again_after_a_restart_is_a_new_session() -> None:
    sessions = Sessions()
    sessions.apply(record("start", "1", at=0, User_Name="ana", Mikrotik_Rate_Limit="1M"), nas="n")
    sessions.apply(record("start", "1", at=9000, User_Name="bo"), nas="n")
    (only,) = sessions
    assert only.values["User-Name"] == ("bo",)
    assert "Mikrotik-Rate-Limit" not in only.values


@pytest.mark.parametrize(
    ("interval", "silence", "left"), [(60, 800, 1), (60, 1000, 0), (600, 1700, 1), (600, 1900, 0), (0, 10**6, 1)]
)
def test_a_session_that_is_not_heard_of_ends(interval: float, silence: float, left: int) -> None:
    sessions = Sessions()
    sessions.apply(record("start", "1", at=0), nas="n")
    if interval:
        sessions.apply(record("interim", "1", at=interval, began=0), nas="n")
    sessions.expire(interval + silence)
    assert len(sessions) == left


def test_a_time_out_of_its_own() -> None:
    sessions = Sessions(timeout_s=100)
    sessions.apply(record("start", "1", at=0), nas="n")
    sessions.expire(99)
    assert len(sessions) == 1
    assert sessions.expire(101).gone == ["n|1"]


def test_nothing_expires_right_after_a_restart() -> None:
    first = Sessions()
    first.apply(record("start", "1", at=0), nas="n")
    first.apply(record("interim", "1", at=60, began=0), nas="n")
    second = Sessions()
    second.load(iter(list(first)), now_s=10_000)
    second.expire(10_500)
    assert len(second) == 1
    second.expire(11_000)
    assert len(second) == 0


@pytest.mark.parametrize("ip", ["0.0.0.0", "255.255.255.254", "255.255.255.255", ""])
def test_what_is_no_address_binds_nothing(ip: str) -> None:
    sessions = Sessions()
    sessions.apply(record("start", "1", at=0, ip=ip), nas="n")
    assert owners(sessions) == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "interim", "stop", "on"]), st.sampled_from("abc"), st.integers(0, 50),
            st.sampled_from(["10.0.0.1", "10.0.0.2", ""]), st.sampled_from("nm"),
        ), max_size=25,
    )
)  # fmt: skip
def test_an_address_has_one_owner_and_every_effect_is_told(story: list[tuple[str, str, int, str, str]]) -> None:
    sessions = Sessions()
    stored: dict[str, Any] = {}
    for status, name, at, ip, nas in story:
        before = owners(sessions)
        effects = sessions.apply(record(status, name, at=float(at), ip=ip), nas=nas)
        for key in effects.gone:
            stored.pop(key, None)
        stored |= {session.key: session for session in effects.kept}
        after = owners(sessions)
        changed = {address for address in before.keys() | after.keys() if before.get(address) != after.get(address)}
        assert changed <= effects.addresses
    assert stored == {session.key: session for session in sessions}
    again = Sessions()
    again.load(iter(stored.values()), now_s=0)
    assert owners(again).keys() == owners(sessions).keys()


@pytest.mark.parametrize(
    ("written", "shown"),
    [("aabb.ccdd.eeff", "AA:BB:CC:DD:EE:FF"), ("AA-BB-CC-DD-EE-FF", "AA:BB:CC:DD:EE:FF"),
     ("aabbccddeeff", "AA:BB:CC:DD:EE:FF"), ("198.51.100.7", "198.51.100.7"), ("", "")],
)  # fmt: skip
def test_macs_are_written_in_one_way(written: str, shown: str) -> None:
    assert canonical_mac(written) == shown
