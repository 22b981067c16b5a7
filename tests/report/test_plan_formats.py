"""The plan in each format: what a reviewer must see, and what no name may do to it."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.inventory.settings import Guards
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import encode_plan
from generator.report.html import plan_html
from generator.report.markdown import MARKER, as_code, plan_markdown
from generator.report.safe import printable
from generator.report.text import plan_text
from tests.hostile.outputs import outside_fences

MakePlan = Callable[..., Plan]

GOLDEN = """\
bqn-north (192.0.2.10:3443)  from splynx, gestfy
  ! 5 newly blocked: 10.0.0.10, 10.0.0.20, 10.0.0.30, 10.0.0.40, 10.0.0.50
  policies
    + Billing-Block      down 0 (0 kbps), up 0 (0 kbps)
    + <b>Plan</b>        down 1M (1000 kbps), up 1M (1000 kbps)
    ~ Home_100M          download.rate 90000 → 100000 kbps (90M → 100M)
"""


def test_the_text_says_the_most_important_first_and_deletes_last(make_plan: MakePlan) -> None:
    text = plan_text(make_plan())
    assert text.startswith(GOLDEN)
    lines = text.splitlines()
    assert lines.index("  to delete: subscribers") > max(
        at for at, line in enumerate(lines) if line.startswith("    ~")
    )
    assert sum(line.startswith("    - ") for line in lines) == 3
    assert re.search(r"^  \d+ to create, \d+ to change, 3 to delete; \d+ requests, about \d+ s$", text, re.MULTILINE)
    assert lines[-1].startswith("1 appliances: ")


def test_colour_only_adds_to_the_signs(make_plan: MakePlan) -> None:
    plan = make_plan()
    assert re.sub(r"\x1b\[\d+m", "", plan_text(plan, colour=True)) == plan_text(plan)
    assert "\x1b" not in plan_text(plan, verbose=True)


def test_equal_changes_fold_and_unfold(make_plan: MakePlan) -> None:
    plan = make_plan(4000)
    folded, whole = plan_text(plan), plan_text(plan, verbose=True)
    assert re.search(r"~ \d{3,} subscribers: policy Home_50M → Home_100M", folded)
    assert len(folded.splitlines()) < 60
    assert whole.count("Home_50M → Home_100M") > 1000
    assert "more (-v shows them)" not in whole


def test_many_different_changes_fit_a_screen_too(make_plan: MakePlan) -> None:
    plan = make_plan()
    (appliance,) = plan.appliances
    template = next(
        each for each in appliance.changes if each.kind.value == "subscriber" and each.action.value == "update"
    )
    changes = tuple(
        msgspec.structs.replace(
            template, key=f"10.{at // 65536}.{at // 256 % 256}.{at % 256}",
            differences=tuple(msgspec.structs.replace(each, after=f"P{at % 7000}") for each in template.differences),
        )
        for at in range(100_000)
    )  # fmt: skip
    big = msgspec.structs.replace(plan, appliances=(msgspec.structs.replace(appliance, changes=changes),))
    text = plan_text(big)
    assert len(text.splitlines()) < 80
    assert "more (-v shows them)" in text


def test_names_do_nothing_to_a_terminal(make_plan: MakePlan) -> None:
    text = plan_text(make_plan(), verbose=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mowned" in text


def test_markdown_is_one_comment_with_a_marker(make_plan: MakePlan) -> None:
    text = plan_markdown(make_plan(), link="https://ci.example.net/1")
    assert text.startswith(MARKER + "\n### bqnctl plan: ")
    assert "| <code>bqn-north</code> |" in text
    assert "[The whole plan](https://ci.example.net/1)" in text
    assert re.search(r"^! +10\.0\.0\.\d+ +policy Home_50M → Home_100M$", text, re.MULTILINE)
    assert re.search(r"^\+ +10\.9\.0\.1 ", text, re.MULTILINE)


def test_names_do_nothing_to_markdown(make_plan: MakePlan) -> None:
    rendered = outside_fences(plan_markdown(make_plan()))
    for word in ("owned", "javascript", "@owned", "<b>"):
        assert word not in rendered


@given(st.integers(min_value=100, max_value=30_000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_markdown_keeps_its_budget(make_plan: MakePlan, budget: int) -> None:
    plan = PLANS.setdefault("plan", make_plan(300))
    text = plan_markdown(plan, max_bytes=budget)
    assert len(text.encode()) <= budget
    assert text.startswith(MARKER)
    if budget > 1000:
        assert "newly blocked" in text


PLANS: dict[str, Plan] = {}


def test_markdown_gets_shorter_by_what_matters_least(make_plan: MakePlan) -> None:
    plan = make_plan(2000)
    whole, folded, counted = (plan_markdown(plan, max_bytes=size) for size in (10**7, 6000, 900))
    assert "Home_50M → Home_100M" in folded
    assert folded.count("\n") < whole.count("\n") / 5
    assert "Too long to be shown here" in counted


@given(st.text(max_size=60))
def test_a_name_is_shown_letter_by_letter(text: str) -> None:
    shown = as_code(text)
    inside = shown.removeprefix("<code>").removesuffix("</code>")
    assert not re.search(r"[^\w\s&#;-]", re.sub(r"[^\x00-\x7f]", "", inside))
    assert "\n" not in shown
    assert html.unescape(inside) == printable(text)


def test_refusals_and_failures_are_told_in_every_format(make_plan: MakePlan) -> None:
    plan = make_plan(guards=Guards(max_delete_percent=0, max_block_percent=50, max_update_percent=100))
    assert plan.refused
    assert "refused: delete 3 of 60 subscribers (max_delete_percent 0)" in plan_text(plan)
    assert "**refused**: <code>delete</code> subscribers" in plan_markdown(plan)
    (appliance,) = plan.appliances
    broken = msgspec.structs.replace(appliance, error="it burns <b>", changes=(), verdicts=(), figures=None)
    failed = msgspec.structs.replace(plan, appliances=(broken,))
    assert "error: it burns" in plan_text(failed)
    assert "could not be planned" in plan_markdown(failed)
    assert "it burns" in plan_html(failed)


def test_figures_say_what_is_sold_before_and_after(make_plan: MakePlan) -> None:
    plan: Any = json.loads(encode_plan(make_plan()))
    figures = plan["appliances"][0]["figures"]
    policies = {name: (pair["before"], pair["after"]) for name, pair in figures["policies"].items()}
    assert policies["Billing-Block"] == (0, 5)
    assert sum(before for before, _ in policies.values()) == 60
    assert sum(after for _, after in policies.values()) == 57 + 11
    load = figures["groups"]["L1-AP"]
    assert load["members"] == {"before": 30, "after": 30}
    assert (load["capacity_download"], load["capacity_upload"]) == (100_000, 50_000)
    served = [at for at in range(30) if at % 10 != 9]
    assert load["download"]["after"] == sum(100_000 if at % 3 else 50_000 for at in served)
    assert figures["blocked"] == {"splynx": {"before": 0, "after": 5}, "gestfy": {"before": 0, "after": 0}}


def test_html_is_one_file_in_which_outside_text_is_data(make_plan: MakePlan) -> None:
    page = plan_html(make_plan())
    assert page == plan_html(make_plan())
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/2000/svg", "", page)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert "<" not in data[1]
    assert json.loads(data[1])["appliances"][0]["name"] == "bqn-north"
    assert page.count("<script") == 2
    assert "owned'>" not in page


@pytest.mark.parametrize("customers", [0, 1])
def test_a_plan_of_hardly_anything(make_plan: MakePlan, customers: int) -> None:
    plan = make_plan(customers)
    for text in (plan_text(plan), plan_markdown(plan), plan_html(plan)):
        assert "bqn" in text
