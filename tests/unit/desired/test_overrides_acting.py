"""Overrides in a render: whom they reach, what they change, what they leave alone, and when they are refused."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from generator.desired.build import Built
from generator.desired.overrides.account import examine, warnings
from generator.desired.overrides.model import Overrides
from generator.desired.overrides.reading import parse_overrides
from generator.desired.render import render_tree
from generator.desired.tree import read_tree
from generator.errors import DocumentError
from generator.model import BLOCK_POLICY, Billed, GroupRecord, Limit, Policy, Subscriber, Unread

FILE = Path("overrides.yml")


def overrides(**each: str) -> Overrides:
    """Overrides by name, each as the flow mapping of its `match` and `set`; a reason is put in."""
    lines = [f"  {name.replace('_', '-')}: {{reason: because, {text}}}\n" for name, text in each.items()]
    return parse_overrides("overrides:\n" + "".join(lines), FILE, sources=None)


@pytest.fixture
def build(make: Any) -> Any:
    """Builds three customers on two plans, two of them in groups, one blocked."""

    def run(decided: Overrides, **rest: Any) -> Built:
        plans = (make.plan("17", "Home 50M"), make.plan("18", "Home 100M", download=Limit(rate=100_000)))
        north = (GroupRecord(level="L1", name="North", type="access-point"), GroupRecord(level="L2", name="Tower"))
        services = rest.pop("services", None) or (
            make.service(1, "10.0.0.1", groups=north),
            make.service(2, "10.0.0.2", plan="18", groups=north),
            make.service(3, "10.0.1.3", statuses={"status": "late"}),
        )
        built: Built = make.build(*services, plans=plans, overrides=decided, **rest)
        return built

    return run


def told(error: pytest.ExceptionInfo[DocumentError]) -> str:
    return "\n".join(str(problem) for problem in error.value.problems)


def test_a_policy_is_set_and_the_line_shows_it(build: Any) -> None:
    built = build(overrides(vip="match: {ip: 10.0.0.1}, set: {policy: Home_100M}"))
    assert built.state.subscribers["10.0.0.1"] == Subscriber(
        ip="10.0.0.1",
        id="user 1",
        policy="Home_100M",
        groups=("L1-North", "L2-Tower"),
        overrides=("vip",),
        billed=Billed(policy="Home_50M", groups=("L1-North", "L2-Tower")),
    )
    files = render_tree(built.state, templates=None)
    line = files["subscribers/10.0.0.0_16.yml"].decode().splitlines()[3]
    assert line == (
        '  10.0.0.1: {id: "user 1", policy: Home_100M, groups: [L1-North, L2-Tower], overrides: [vip], '
        "billed: {policy: Home_50M, groups: [L1-North, L2-Tower]}}"
    )
    texts = {name: content.decode() for name, content in files.items()}
    assert read_tree(texts, Path()).state == built.state


def test_rates_make_a_policy_of_their_own(build: Any) -> None:
    state = build(overrides(vip="match: {id: user 1}, set: {rates: {download: 80000, upload: unlimited}}")).state
    assert state.subscribers["10.0.0.1"].policy == "Override-vip"
    assert state.policies["Override-vip"] == Policy(
        name="Override-vip", id="override-vip", download=Limit(rate=80_000), upload=Limit()
    )


def test_a_plan_that_has_the_name_of_an_overrides_policy_keeps_it(make: Any) -> None:
    decided = overrides(vip="match: {id: user 1}, set: {rates: {download: 80000, upload: 1}}")
    state = make.build(
        make.service(1, "10.0.0.1"),
        make.service(2, "10.0.0.2"),
        plans=(make.plan(name="Override-vip"),),
        overrides=decided,
    ).state
    assert state.policies["Override-vip"].download == Limit(rate=50_000)
    assert state.subscribers["10.0.0.1"].policy == "Override-vip_"
    assert state.subscribers["10.0.0.2"].policy == "Override-vip"


def test_blocking_and_unblocking(build: Any) -> None:
    state = build(
        overrides(
            stop="match: {ip: 10.0.0.0/30}, set: {blocked: true}", grace="match: {id: user 3}, set: {blocked: false}"
        )
    ).state
    assert [(each.blocked, each.reason) for each in state.subscribers.values()] == [
        (True, "override stop"), (True, "override stop"), (False, None),
    ]  # fmt: skip
    assert state.subscribers["10.0.1.3"].billed == Billed(policy="Home_50M", blocked=True, reason="status late")


def test_who_is_blocked_by_the_billing_keeps_that_reason(build: Any) -> None:
    state = build(overrides(stop="match: {id: user 3}, set: {blocked: true}")).state
    assert state.subscribers["10.0.1.3"].reason == "status late"


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        ("{add: [VIP]}", ("L1-North", "L2-Tower", "VIP")),
        ("{remove: [L1-North]}", ("L2-Tower",)),
        ("{add: [L1-South], remove: [L1-North]}", ("L1-South", "L2-Tower")),
        ("{set: [VIP]}", ("VIP",)),
        ("{set: []}", ()),
    ],
)
def test_groups_are_set_added_and_removed(build: Any, change: str, groups: tuple[str, ...]) -> None:
    state = build(overrides(vip=f"match: {{id: user 1}}, set: {{groups: {change}}}")).state
    assert state.subscribers["10.0.0.1"].groups == groups
    assert set(groups) <= state.groups.keys()
    assert state.subscribers["10.0.0.2"].groups == ("L1-North", "L2-Tower")


def test_an_added_group_is_kept_where_there_is_no_room_for_all(build: Any) -> None:
    built = build(overrides(vip="match: {id: user 1}, set: {groups: {add: [VIP, Zoo]}}"))
    assert built.state.subscribers["10.0.0.1"].groups == ("L1-North", "VIP", "Zoo")
    assert any("more than 3 groups" in warning for warning in built.warnings)


def test_a_group_without_members_is_gone(build: Any) -> None:
    state = build(overrides(vip="match: {group: L1-North}, set: {groups: {remove: [L1-North]}}")).state
    assert state.groups.keys() == {"L2-Tower"}


def test_who_is_made_absent_is_listed_as_rejected(build: Any) -> None:
    state = build(overrides(gone="match: {id: user 2}, set: {absent: true}")).state
    assert state.subscribers.keys() == {"10.0.0.1", "10.0.1.3"}
    (rejected,) = state.rejected
    assert (rejected.record, rejected.ip, rejected.id) == ("session 2", "10.0.0.2", "user 2")
    assert rejected.reason == "absent by override gone"


def test_who_is_absent_needs_no_policy(build: Any) -> None:
    state = build(
        overrides(
            gone="match: {id: user 2}, set: {absent: true}",
            vip="match: {ip: 10.0.0.2}, set: {rates: {download: 9, upload: 9}}",
        )
    ).state
    assert "10.0.0.2" not in state.subscribers
    assert "Override-vip" not in state.policies


@pytest.mark.parametrize(
    ("match", "reached"),
    [
        ("{ip: 10.0.0.2}", {2}),
        ("{ip: 10.0.0.0/23}", {1, 2, 3}),
        ("{ip: '::ffff:10.0.0.2'}", {2}),
        ("{id: user 3}", {3}),
        ("{id: USER 3}", set()),
        ("{policy: Home_50M}", {1, 3}),
        ("{policy: Home 50M}", {1, 3}),
        ("{group: L1-North}", {1, 2}),
        ("{group: L1-North, policy: Home_50M}", {1}),
        ("{ip: 10.0.0.0/16, id: user 1, policy: Home_100M}", set()),
        ("{ip: 10.0.0.2, source: billing-1}", {2}),
        ("{ip: 10.0.0.2, source: other}", set()),
    ],
)
def test_all_that_is_given_must_match(build: Any, match: str, reached: set[int]) -> None:
    built = build(overrides(vip=f"match: {match}, set: {{blocked: true}}"))
    touched = {int(ip[-1]) for ip, each in built.state.subscribers.items() if each.overrides}
    assert touched == reached
    assert built.overrides == ({"vip"} if reached else set())


def test_an_ipv6_address_stands_for_its_subscribers_prefix(make: Any) -> None:
    for written in ("2001:db8:0:7::", "2001:DB8::7:0:0:0:9", "2001:db8:0:7::/64", "2001:db8::/32"):
        state = make.build(
            make.service(1, "2001:db8:0:7::5"), make.service(2, "2001:db9::1"), ip_versions=(4, 6),
            overrides=overrides(vip=f"match: {{ip: '{written}'}}, set: {{blocked: true}}"),
        ).state  # fmt: skip
        assert {ip for ip, each in state.subscribers.items() if each.blocked} == {"2001:db8:0:7::"}


def test_several_overrides_act_together(build: Any) -> None:
    state = build(
        overrides(
            a="match: {ip: 10.0.0.0/24}, set: {groups: {add: [VIP]}}",
            b="match: {id: user 1}, set: {policy: Home_100M, groups: {remove: [L2-Tower]}}",
            c="match: {id: user 1}, set: {policy: Home_100M}",
        )
    ).state
    ana = state.subscribers["10.0.0.1"]
    assert (ana.policy, ana.groups, ana.overrides) == ("Home_100M", ("L1-North", "VIP"), ("a", "b", "c"))
    assert state.subscribers["10.0.0.2"].overrides == ("a",)


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        ("{policy: Home_50M}", "{policy: Home_100M}", "policy"),
        ("{policy: Home_50M}", "{rates: {download: 1, upload: 1}}", "policy"),
        ("{rates: {download: 1, upload: 2}}", "{rates: {download: 1, upload: 1}}", "policy"),
        ("{blocked: true}", "{blocked: false}", "blocked"),
        ("{groups: {add: [A]}}", "{groups: {remove: [A]}}", "groups"),
        ("{groups: {set: [A]}}", "{groups: {set: [B]}}", "groups"),
        ("{groups: {set: [A]}}", "{groups: {add: [B]}}", "groups"),
        ("{groups: {remove: [A]}}", "{groups: {set: [A]}}", "groups"),
    ],
)
def test_two_that_disagree_are_refused_with_both_places(build: Any, one: str, other: str, field: str) -> None:
    decided = overrides(first=f"match: {{ip: 10.0.0.0/24}}, set: {one}", second=f"match: {{id: user 1}}, set: {other}")
    with pytest.raises(DocumentError) as caught:
        build(decided)
    text = told(caught)
    assert text.startswith("overrides.yml:3:")
    assert "overrides.yml:2:" in text
    assert f"disagree about the {field} of 10.0.0.1" in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{policy: Home_50M}", "{policy: Home_50M}"),
        ("{groups: {set: [A, B]}}", "{groups: {set: [B, A]}}"),
        ("{groups: {set: [A]}}", "{groups: {add: [A]}}"),
        ("{groups: {add: [A]}}", "{groups: {add: [B], remove: [C]}}"),
        ("{blocked: true}", "{absent: true}"),
    ],
)
def test_two_that_agree_are_not(build: Any, one: str, other: str) -> None:
    built = build(overrides(first=f"match: {{id: user 1}}, set: {one}", second=f"match: {{id: user 1}}, set: {other}"))
    assert built.overrides == {"first", "second"}


def test_those_that_never_meet_may_disagree(build: Any) -> None:
    decided = overrides(
        first="match: {id: user 1}, set: {blocked: true}", second="match: {id: user 2}, set: {blocked: false}"
    )
    assert build(decided).overrides == {"first", "second"}


def test_an_unknown_policy_is_refused_with_what_was_meant(build: Any) -> None:
    with pytest.raises(DocumentError) as caught:
        build(overrides(vip="match: {id: user 1}, set: {policy: Home_10M}"))
    assert told(caught).startswith("overrides.yml:2:")
    assert "has no policy 'Home_10M' → did you mean Home_100M" in told(caught)


def test_an_expired_override_is_void_from_the_day_after(build: Any, make: Any) -> None:
    decided = overrides(vip='until: "2024-05-06", match: {id: user 1}, set: {policy: Home_100M}')
    without, today = build(overrides()), build(decided)
    assert today.state.subscribers["10.0.0.1"].policy == "Home_100M"
    tomorrow = build(decided, previous=today.state, now=make.now + timedelta(days=1))
    assert render_tree(tomorrow.state, templates=None) == render_tree(without.state, templates=None)


def test_who_is_kept_though_absent_returns_to_the_billing_too(build: Any, make: Any) -> None:
    decided = overrides(
        vip='until: "2024-05-06", match: {id: user 1}, set: {rates: {download: 9, upload: 9}, groups: {add: [VIP]}}'
    )
    online = build(decided, keep_absent_s=7 * 86_400)
    away = build(
        decided, services=(make.service(2, "10.0.0.2", plan="18"),), previous=online.state, keep_absent_s=7 * 86_400
    )
    assert away.state.subscribers["10.0.0.1"].policy == "Override-vip"
    after = build(
        decided, services=(make.service(2, "10.0.0.2", plan="18"),), previous=away.state, keep_absent_s=7 * 86_400,
        now=make.now + timedelta(days=1),
    ).state  # fmt: skip
    assert after.subscribers["10.0.0.1"] == Subscriber(
        ip="10.0.0.1", id="user 1", policy="Home_50M", groups=("L1-North", "L2-Tower")
    )
    assert "Override-vip" not in after.policies
    assert "10.0.0.1" in after.absent


def test_a_group_given_by_an_override_does_not_outlive_it_where_a_level_is_unread(build: Any, make: Any) -> None:
    decided = overrides(vip='until: "2024-05-06", match: {id: user 1}, set: {groups: {add: [L1-VIP]}}')
    before = build(decided).state
    after = build(
        decided, services=(make.service(1, "10.0.0.1"),), previous=before, answer={"unread_groups": frozenset({"L1"})},
        now=make.now + timedelta(days=1),
    ).state  # fmt: skip
    assert after.subscribers["10.0.0.1"].groups == ("L1-North",)


def test_an_unread_service_keeps_what_the_billing_gave_it(build: Any, make: Any) -> None:
    decided = overrides(vip="match: {id: user 1}, set: {blocked: true}")
    unread = {"unread": (Unread(record="session 1", addresses=("10.0.0.1",), reason="timeout"),)}
    before = build(decided).state
    after = build(decided, services=(make.service(2, "10.0.0.2"),), previous=before, answer=unread).state
    assert after.subscribers["10.0.0.1"] == before.subscribers["10.0.0.1"]


def test_who_was_absent_by_an_override_comes_back_without_it(build: Any) -> None:
    before = build(overrides(gone="match: {id: user 1}, set: {absent: true}")).state
    after = build(overrides(), previous=before).state
    assert after == build(overrides()).state


def test_one_kept_though_absent_can_be_made_absent(build: Any, make: Any) -> None:
    rest = {"services": (make.service(2, "10.0.0.2"),), "keep_absent_s": 86_400}
    previous = build(overrides()).state
    state = build(overrides(gone="match: {id: user 1}, set: {absent: true}"), previous=previous, **rest).state
    assert "10.0.0.1" not in state.subscribers
    assert "10.0.0.1" not in state.absent
    assert [each.ip for each in state.rejected] == ["10.0.0.1"]


class TestSharedLimits:
    """`DS-` groups hold one service's addresses under one policy."""

    def build(self, make: Any, decided: Overrides, *, addresses: tuple[str, ...] = (), **rest: Any) -> Any:
        plans = (make.plan("17", "Home 50M"), make.plan("18", "Home 100M"))
        service = make.service(1, *(addresses or ("10.0.0.1", "2001:db8::1", "2001:db8:1::/56")), ids={"login": "ana"})
        return make.build(
            service, plans=plans, overrides=decided, dual_stack_groups=True, ip_versions=(4, 6), **rest
        ).state  # fmt: skip

    def test_an_override_of_all_members_changes_the_group(self, make: Any) -> None:
        state = self.build(make, overrides(vip="match: {id: ana}, set: {policy: Home_100M}"))
        assert state.groups["DS-ana"].policy == "Home_100M"
        assert state.groups["DS-ana"].ranges == ("2001:db8:1::/56",)
        assert {each.groups for each in state.subscribers.values()} == {("DS-ana",)}

    def test_blocking_all_members_blocks_the_group(self, make: Any) -> None:
        state = self.build(make, overrides(stop="match: {id: ana}, set: {blocked: true}"))
        assert state.groups["DS-ana"].policy == BLOCK_POLICY

    def test_a_member_overridden_alone_leaves_the_group(self, make: Any) -> None:
        state = self.build(make, overrides(vip="match: {ip: 10.0.0.1}, set: {policy: Home_100M}"))
        assert state.groups["DS-ana"].policy == "Home_50M"
        assert state.subscribers["10.0.0.1"].groups == ()
        assert state.subscribers["2001:db8::"].groups == ("DS-ana",)

    def test_other_fields_leave_the_group_alone(self, make: Any) -> None:
        state = self.build(make, overrides(vip="match: {ip: 10.0.0.1}, set: {groups: {set: [VIP]}}"))
        assert state.groups["DS-ana"].policy == "Home_50M"
        assert state.subscribers["10.0.0.1"].groups == ("DS-ana", "VIP")

    def test_absent_members_take_their_ranges_along(self, make: Any) -> None:
        state = self.build(make, overrides(gone="match: {id: ana}, set: {absent: true}"))
        assert (state.subscribers, state.groups) == ({}, {})

    def test_an_expired_one_gives_the_group_its_policy_back_though_the_members_are_absent(self, make: Any) -> None:
        decided = overrides(vip='until: "2024-05-06", match: {id: ana}, set: {rates: {download: 9, upload: 9}}')
        before = self.build(make, decided)
        assert before.groups["DS-ana"].policy == "Override-vip"
        after = make.build(
            plans=(make.plan("17", "Home 50M"),), previous=before, overrides=decided, dual_stack_groups=True,
            ip_versions=(4, 6), keep_absent_s=7 * 86_400, now=make.now + timedelta(days=1),
        ).state  # fmt: skip
        assert after.groups["DS-ana"].policy == "Home_50M"
        assert after.policies.keys() == {BLOCK_POLICY, "Home_50M"}


class TestAccount:
    """What is said of overrides over all sources, from the files alone."""

    def test_matches_are_counted_without_the_billing(self, build: Any, make: Any) -> None:
        decided = overrides(
            vip="match: {policy: Home_50M}, set: {policy: Home_100M}",
            gone="match: {id: user 2}, set: {absent: true}",
            nobody="match: {id: x}, set: {absent: true}",
            past='until: "2020-01-01", match: {id: user 1}, set: {policy: Unknown}',
        )
        host, today = make.host(), make.now.date()
        states = {host.name: build(decided).state}
        account = examine(decided, states, {host.name: host}, today=today)
        assert account.problems == ()
        assert account.matched == {"vip": 2, "gone": 1, "nobody": 0}
        used = {name for name, count in account.matched.items() if count}
        said = list(warnings(decided, used, states, {host.name: host}, today=today))
        assert [(line.split(":")[1], "matches nobody" in line, "expired" in line) for line in said] == [
            ("4", True, False), ("5", False, True),
        ]  # fmt: skip

    def test_nothing_is_said_of_sources_never_rendered(self, make: Any) -> None:
        decided = overrides(vip="match: {id: x}, set: {policy: Nothing}")
        account = examine(decided, {}, {"billing-1": make.host()}, today=make.now.date())
        assert (account.problems, account.matched) == ((), {})
        assert not list(warnings(decided, (), (), {"billing-1": make.host()}, today=make.now.date()))

    def test_a_policy_that_only_an_override_made_is_none_to_choose(self, build: Any, make: Any) -> None:
        decided = overrides(
            vip="match: {id: user 1}, set: {rates: {download: 9, upload: 9}}",
            other="match: {id: user 9}, set: {policy: Override-vip}",
        )
        host = make.host()
        with pytest.raises(DocumentError) as caught:
            build(overrides(vip="match: {id: user 1}, set: {policy: Override-vip}"))
        assert "no policy 'Override-vip'" in told(caught)
        account = examine(decided, {host.name: build(decided).state}, {host.name: host}, today=make.now.date())
        assert ["'Override-vip'" in str(problem) for problem in account.problems] == [True]
