"""The rules that acted on a record, each with its numbers."""

from pathlib import Path
from typing import Any

import pytest

from generator.desired.explaining.model import SourceStory
from generator.desired.explaining.source import offline_story, range_stories, source_story
from generator.desired.overrides.model import NONE
from generator.desired.query import parse_query
from generator.desired.render import render_tree
from generator.desired.tree import read_tree
from generator.inventory.settings import PlanRates, Scaling
from generator.model import GroupRecord, Limit, Rejected, Unread


@pytest.fixture
def explain(make: Any) -> Any:
    """The story of one subscriber, without files."""

    def run(
        who: str, *services: Any, plans: Any = None, answer: Any = None, tree: Any = None, **host: Any
    ) -> SourceStory:
        return source_story(
            make.answer(*services, plans=plans, **(answer or {})), make.host(**host), tree, parse_query(who),
            overrides=NONE, now=make.now, where=lambda setting: f"at {setting}",
        )  # fmt: skip

    return run


def steps(story: SourceStory, record: int = 0) -> list[str]:
    return [f"{step.rule}: {step.says}" for step in story.records[record].steps]


def test_rates_are_told_with_their_numbers(make: Any, explain: Any) -> None:
    plan = make.plan(download=Limit(rate=50_001, burst_rate=60_000), upload=Limit(rate=0))
    story = explain(
        "10.0.0.1", make.service(1, "10.0.0.1"), plans=(plan,), rate_scaling=Scaling(download=90), zero_rate="unlimited"
    )
    said = steps(story)
    assert "rate_scaling: download: 50001 kbps at 90 % is 45000 kbps" in said
    assert "rate_scaling: download: a burst of 60000 kbps at 90 % is 54000 kbps" in said
    assert "zero_rate: upload: 0 kbps in the billing: unlimited" in said
    assert story.addresses[0].next == '10.0.0.1: {id: "user 1", policy: Home_50M}'


def test_plan_rates_stand_in_for_missing_ones(make: Any, explain: Any) -> None:
    plan = make.plan(name="PCQ", download=Limit(), upload=Limit())
    story = explain(
        "10.0.0.1",
        make.service(1, "10.0.0.1"),
        plans=(plan,),
        plan_rates={"PCQ": PlanRates(download=20_000, upload=5_000)},
    )
    assert "plan_rates: download: the billing has no rate; 20000 kbps are set here" in steps(story)


@pytest.mark.parametrize(
    ("changes", "host", "says"),
    [
        ({"plan": None}, {}, "plan: it has no plan: rejected"),
        ({"plan": "99"}, {}, "plan: its plan 99 is not in the list of plans: rejected"),
        ({"statuses": {"status": "late"}}, {}, "active_statuses: status late is none of [active]: blocked"),
        ({"statuses": {}}, {}, "block_on: the record has no status: taken as active"),
        ({"statuses": {"status": "late"}}, {"block_inactive": False},
         "block_inactive: false: nobody is blocked for a status (late)"),
        ({"ids": {}}, {}, "subscriber_id: it has no such id"),
        ({"groups": (GroupRecord(level="L1", name="A B"),)}, {"subscriber_groups": False},
         "subscriber_groups: false: L1-A B are left out"),
        ({"groups": tuple(GroupRecord(level="", name=name) for name in "ABCD")}, {},
         "groups: more than 3: the first 3 are kept (DS-, L1-, name)"),
    ],
)  # fmt: skip
def test_each_rule_is_told(make: Any, explain: Any, changes: dict[str, Any], host: dict[str, Any], says: str) -> None:
    assert says in steps(explain("10.0.0.1", make.service(1, "10.0.0.1", **changes), **host))


def test_a_refused_plan_is_told(make: Any, explain: Any) -> None:
    plan = make.plan(download=Limit(rate=0))
    said = steps(explain("10.0.0.1", make.service(1, "10.0.0.1"), plans=(plan,), zero_rate="reject"))
    assert "plan: plan 17 (Home 50M) cannot be used: no download rate (zero_rate: reject): rejected" in said
    assert "zero_rate: download: 0 kbps in the billing: rejected" in said


@pytest.mark.parametrize(("rule", "winner"), [("first", "session 2"), ("reject", None)])
def test_a_duplicate_claim_is_told_on_both_sides(make: Any, explain: Any, rule: str, winner: str | None) -> None:
    story = explain("10.0.0.1", make.service(1, "10.0.0.1"), make.service(2, "10.0.0.1"), services_per_ip=rule)
    loser, other = steps(story), steps(story, 1)
    won = "nobody has it" if winner is None else "session 2 has it"
    assert f"services_per_ip: 10.0.0.1 is claimed by session 2 too; {rule}: {won}" in loser
    won = "nobody has it" if winner is None else "this record has it"
    assert f"services_per_ip: 10.0.0.1 is claimed by session 1 too; {rule}: {won}" in other


@pytest.mark.parametrize("who", ["2001:db8::5", "2001:0DB8:0:0::", "2001:db8::/64", "user 1", "user_1"])
def test_any_spelling_finds_the_subscriber(make: Any, explain: Any, who: str) -> None:
    story = explain(who, make.service(1, "2001:db8::1"), make.service(2, "2001:db9::1"), ip_versions=(4, 6))
    assert [record.record for record in story.records] == ["session 1"]
    assert [address.ip for address in story.addresses] == ["2001:db8::"]
    assert "ipv6_prefix: 2001:db8::1 is the subscriber address 2001:db8::" in steps(story)


@pytest.mark.parametrize("who", ["10.0.0.1", "::ffff:10.0.0.1", " 10.0.0.1 ", "10.0.0.1/32"])
def test_any_spelling_of_ipv4_does_too(make: Any, explain: Any, who: str) -> None:
    story = explain(who, make.service(1, "10.0.0.1/32"), make.service(2, "10.0.0.10"))
    assert [address.ip for address in story.addresses] == ["10.0.0.1"]


def test_who_is_kept_though_absent_is_told_until_when(make: Any, explain: Any) -> None:
    files = render_tree(make.build(make.service(1, "10.0.0.1")).state, templates=None)
    tree = read_tree({name: text.decode() for name, text in files.items()}, Path())
    story = explain("10.0.0.1", make.service(2, "10.0.0.2"), tree=tree, keep_absent_s=86_400)
    (address,) = story.addresses
    assert story.records == ()
    assert [step.says for step in address.steps] == [
        "not listed since 2024-05-06T07:08Z; kept until 2024-05-07T07:08Z as it was"
    ]


def test_what_the_connector_could_not_use_or_read_is_told(make: Any, explain: Any) -> None:
    answer = {
        "rejected": (Rejected(record="row 4", reason="no object", ip="10.0.0.4"),),
        "unread": (Unread(record="session 5", addresses=("10.0.0.5",), reason="timeout"),),
    }
    assert steps(explain("10.0.0.4", answer=answer)) == ["record: no object: rejected"]
    assert steps(explain("10.0.0.5", answer=answer)) == ["unread: timeout: whoever has its addresses stays as he was"]


def test_an_address_in_a_range_finds_its_group(make: Any) -> None:
    built = make.build(
        make.service(1, "10.0.0.1", "2001:db8:1::/56", ids={"login": "ana"}), dual_stack_groups=True, ip_versions=(4, 6)
    )
    files = {name: text.decode() for name, text in render_tree(built.state, templates=None).items()}
    host = make.host(dual_stack_groups=True, ip_versions=(4, 6))
    (found,) = range_stories(read_tree(files, Path("d")), host, parse_query("2001:db8:1:7::9"))
    assert (found.ip, found.where) == ("2001:db8:1::/56", "d/groups.yml:4:38")
    assert not list(range_stories(read_tree(files, Path("d")), host, parse_query("2001:db9::")))


def test_offline_the_files_alone_speak(make: Any) -> None:
    built = make.build(make.service(1, "10.0.0.1"), make.service(2, "10.0.0.2"))
    files = {name: text.decode() for name, text in render_tree(built.state, templates=None).items()}
    story = offline_story(read_tree(files, Path("d")), make.host(), parse_query("user 2"), overrides=NONE, now=make.now)
    (address,) = story.addresses
    assert (address.ip, address.asked, address.next) == ("10.0.0.2", False, None)
    assert address.where == "d/subscribers/10.0.0.0_16.yml:5:3"
