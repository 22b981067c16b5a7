"""A fleet planned in parts: each with --limit, joined into one review, applied in parts or whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Ran = Any
Net = Any


@pytest.fixture
def fleet(net: Net, bqnctl: Callable[..., Ran], tmp_path: Path) -> list[Path]:
    """Three BQNs, each planned by a command of its own."""
    net.add_billing(customers=30)
    files = []
    for name in ("bqn-a", "bqn-b", "bqn-c"):
        net.add_bqn(name)
    assert bqnctl("render").code == 0
    for name in ("bqn-b", "bqn-c", "bqn-a"):
        files.append(tmp_path / f"{name}.json")
        assert bqnctl("plan", "--limit", name, "--out", str(files[-1])).code == 0
    return files


def test_the_parts_are_one_review_and_one_plan(
    net: Net, bqnctl: Callable[..., Ran], fleet: list[Path], tmp_path: Path
) -> None:
    whole, page = tmp_path / "whole.json", tmp_path / "whole.html"
    merged = bqnctl(
        "report", "merge", *map(str, fleet), "--out", str(whole), "--format", "markdown", "--html", str(page)
    )
    assert merged.code == 0, merged
    assert merged.out.startswith("<!-- bqnctl plan -->\n### bqnctl plan: ")
    assert "on 3 appliances" in merged.out
    assert [each["name"] for each in json.loads(whole.read_bytes())["appliances"]] == ["bqn-a", "bqn-b", "bqn-c"]
    assert page.read_text().count("<h1>") == 1
    assert bqnctl("report", "show", str(whole), "--detailed-exitcode").code == 2
    assert bqnctl("plan", "--out", str(tmp_path / "at-once.json")).code == 0
    assert (tmp_path / "at-once.json").read_bytes() == whole.read_bytes()
    assert bqnctl("apply", str(whole), "--limit", "bqn-b").code == 0
    assert bqnctl("apply", str(whole)).code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0


def test_parts_that_do_not_belong_together_are_refused(
    bqnctl: Callable[..., Ran], fleet: list[Path], tmp_path: Path
) -> None:
    twice = bqnctl("report", "merge", str(fleet[0]), str(fleet[0]))
    assert twice.code == 1
    assert "both plan bqn-b" in twice.err
    for change, said in (
        ({"inventory": "other"}, "their inventory differs"),
        ({"desired_digests": {"splynx": "0"}}, "the desired files of splynx were others"),
    ):
        other = json.loads(fleet[1].read_bytes()) | change
        (tmp_path / "other.json").write_text(json.dumps(other))
        refused = bqnctl("report", "merge", str(fleet[0]), str(tmp_path / "other.json"))
        assert refused.code == 1
        assert said in refused.err
    (tmp_path / "none.json").write_text("{}")
    assert bqnctl("report", "show", str(tmp_path / "none.json")).code == 1
    assert bqnctl("report", "show", str(tmp_path / "missing.json")).code == 1
