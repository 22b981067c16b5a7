"""The pipelines that `init` writes, run for real: scripts, git, simulators, and a forge on loopback."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from generator.bqn.kinds import Kind
from generator.bqn.server.faults import Fault, FaultKind
from generator.cli.main import main
from generator.demo.splynx import CREDENTIALS
from generator.net.serve import serving
from tests.conftest import Net
from tests.pipelines.forge import FORK_ID, JOB_TOKEN, PROJECT_TOKEN, STRANGER, Forge, make_app
from tests.pipelines.runner import GitHub, GitLab, Job, Runner

INVENTORY = "inventories/production"
BRANCH = "bqnctl/render"
SECRETS = {
    "SPLYNX_API_KEY": CREDENTIALS["api_key"], "SPLYNX_API_SECRET": CREDENTIALS["api_secret"],
    "BQN_USERNAME": "api", "BQN_PASSWORD": "api-password",
}  # fmt: skip


@pytest.fixture(params=["github", "gitlab"])
def runner(request: pytest.FixtureRequest, net: Net, tmp_path: Path) -> Iterator[Runner]:
    """A repository that `init` made, on a forge, for the emulators of `net`."""
    with on_forge(request.param, net, tmp_path, ["bqn-north"]) as made:
        yield made


@pytest.fixture(params=["github", "gitlab"])
def fleet(request: pytest.FixtureRequest, net: Net, tmp_path: Path) -> Iterator[Runner]:
    """The same for three appliances, planned in two parts."""
    with on_forge(request.param, net, tmp_path, ["bqn-north", "bqn-south", "bqn-west"], "--parts", "2") as made:
        yield made


@contextmanager
def on_forge(forge_name: str, net: Net, tmp_path: Path, appliances: list[str], *more_told: str) -> Iterator[Runner]:
    net.add_billing("splynx-main")
    folder = tmp_path / "repository"
    told = ["--system", "splynx", "--host", "127.0.0.1", "--ci", forge_name, *more_told]
    for name in appliances:
        net.add_bqn(name)
        told += ["--bqn", f"{name}=127.0.0.1"]
    assert main(["init", str(folder), *told, "--defaults"]) == 0
    for kind, host in (("billing", "splynx-main"), *(("bqn", name) for name in appliances)):
        more = {key: net.hosts[kind]["hosts"][host][key] for key in ("port", "tls")}
        more |= {"keep_absent": 0} if kind == "billing" else {}
        with (folder / INVENTORY / "host_vars" / f"{host}.yml").open("a") as file:
            file.write(yaml.safe_dump(more))
    forge = Forge()
    stored = net.stack.enter_context(serving(make_app(forge, blobs="")))
    blobs = f"http://localhost:{stored.port}"
    with serving(make_app(forge, blobs=blobs)) as listening:
        url = f"http://127.0.0.1:{listening.port}"
        runners: dict[str, type[Runner]] = {"github": GitHub, "gitlab": GitLab}
        made = runners[forge_name](tmp_path, forge=forge, url=url, secrets=dict(SECRETS))
        made.publish(folder)
        yield made


def to_main(runner: Runner) -> Job:
    """From the billing to the appliance: render, plan, merge, apply; everything green."""
    rendered = runner.run("render", "main")
    assert rendered.code == 0, rendered
    (request,) = runner.forge.open(BRANCH)
    planned = runner.plan(request["number"])
    assert planned.code == 0, planned
    runner.merge(request["number"])
    applied = runner.run("apply", "main")
    assert applied.code == 0, applied
    return applied


def test_a_change_in_the_billing_goes_the_whole_way(runner: Runner, net: Net) -> None:
    to_main(runner)
    assert len(net.bqn["bqn-north"].store.items(Kind.SUBSCRIBER)) > 6

    net.billing["splynx-main"].new_customer()
    net.billing["splynx-main"].change_plan()
    rendered = runner.run("render", "main")
    assert rendered.code == 0, rendered
    (request,) = runner.forge.open(BRANCH)
    assert request["title"].startswith("splynx-main: 1 new, 1 plan change")
    planned = runner.plan(request["number"])
    assert planned.code == 0, planned
    (comment,) = runner.forge.ours(request["number"])
    assert comment.startswith(f"<!-- bqnctl plan of {INVENTORY} -->\n")
    assert "https://forge.example" in comment
    assert "Merging applies exactly this plan" in comment
    assert (planned.folder / "plan-out/plan.md").read_text() in comment
    assert (planned.folder / "plan-out/plan.html").read_text().startswith("<!DOCTYPE html>")
    runner.merge(request["number"])
    applied = runner.run("apply", "main")
    assert applied.code == 0, applied
    (journal,) = (applied.folder / INVENTORY / "journal").glob("*.jsonl")
    assert journal.stat().st_size
    assert any("journal" in name or name == "apply" for name in (one["name"] for one in runner.forge.artifacts))

    again = runner.run("render", "main")
    assert again.code == 0, again
    assert "no changes" in again.output
    assert runner.forge.open(BRANCH) == []
    if isinstance(runner, GitHub):  # a name like ::error:: is no command to the runner
        first, *_, last = applied.output.splitlines()
        assert first.startswith("::stop-commands::")
        assert last == f"::{first.removeprefix('::stop-commands::')}::"
    said = rendered.output + planned.output + applied.output + again.output
    assert [secret for secret in (JOB_TOKEN, PROJECT_TOKEN, *SECRETS.values()) if secret in said] == []


def test_a_fleet_is_planned_in_parts_and_reviewed_and_applied_as_one(fleet: Runner, net: Net) -> None:
    rendered = fleet.run("render", "main")
    assert rendered.code == 0, rendered
    (request,) = fleet.forge.open(BRANCH)
    net.bqn["bqn-west"].faults.set([Fault(kind=FaultKind.STATUS, status=403)])
    planned = fleet.plan(request["number"])
    assert planned.code == 1, planned
    assert "There is no plan" in fleet.forge.ours(request["number"])[0]
    net.bqn["bqn-west"].faults.set([])
    planned = fleet.plan(request["number"])
    assert planned.code == 0, planned
    (comment,) = fleet.forge.ours(request["number"])
    assert all(name in comment for name in ("bqn-north", "bqn-south", "bqn-west"))
    parts = sorted((planned.folder / "part-out").glob("*.json"))
    named = [[one["name"] for one in json.loads(part.read_bytes())["appliances"]] for part in parts]
    assert named == [["bqn-north"], ["bqn-south", "bqn-west"]]
    fleet.merge(request["number"])
    applied = fleet.run("apply", "main")
    assert applied.code == 0, applied
    assert (
        len({len(net.bqn[name].store.items(Kind.SUBSCRIBER)) for name in ("bqn-north", "bqn-south", "bqn-west")}) == 1
    )
    assert "no changes" in fleet.run("render", "main").output


def test_one_request_and_one_comment_however_often_it_runs(runner: Runner, net: Net) -> None:
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    number = request["number"]
    asked = [{"workflow": "bqnctl-plan.yml", "ref": BRANCH, "inputs": {"request": str(number)}}]
    assert runner.forge.started == (asked if isinstance(runner, GitHub) else [])
    marker = f"<!-- bqnctl plan of {INVENTORY} -->"
    runner.forge.add_comment(number, f"{marker} a forged one", STRANGER)
    for index in range(120):
        runner.forge.add_comment(number, f"talk {index}", STRANGER)
    assert runner.plan(number).code == 0
    (first,) = runner.forge.ours(number)
    tip = runner.git("rev-parse", BRANCH, cwd=runner.server)

    assert runner.run("render", "main").code == 0
    assert runner.git("rev-parse", BRANCH, cwd=runner.server) == tip, "nothing new, so nothing is pushed"

    net.billing["splynx-main"].new_customer()
    assert runner.run("render", "main").code == 0
    assert runner.git("rev-parse", BRANCH, cwd=runner.server) != tip
    assert runner.git("rev-list", "--count", f"main..{BRANCH}", cwd=runner.server) == "1"
    assert runner.plan(number).code == 0
    assert [one["number"] for one in runner.forge.open(BRANCH)] == [number]
    (second,) = runner.forge.ours(number)
    assert second != first
    assert runner.forge.comments[number][0]["body"].endswith("a forged one")


def test_a_stale_plan_is_refused_and_planned_anew(runner: Runner, net: Net) -> None:
    to_main(runner)
    data, store = net.billing["splynx-main"], net.bqn["bqn-north"].store
    data.change_plan()
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    assert runner.plan(request["number"]).code == 0
    plan = json.loads(plans(runner)[-1])
    (touched,) = [change["key"] for change in plan["appliances"][0]["changes"] if change["kind"] == "subscriber"]
    store.put(Kind.SUBSCRIBER, touched, {**(store.get(Kind.SUBSCRIBER, touched) or {}), "subscriberId": "by hand"})
    writes = store_of(net)
    runner.merge(request["number"])

    refused = runner.run("apply", "main")
    assert refused.code == 3, refused
    assert store_of(net) == writes
    assert runner.run("apply", "main").code == 3, "and again"

    anew = runner.run("render", "main")
    assert anew.code == 0, anew
    (request,) = runner.forge.open(BRANCH)
    assert request["title"] == "Bring the appliances back to what the files say"
    assert runner.git("diff", "--stat", "main", BRANCH, cwd=runner.server) == ""
    assert runner.plan(request["number"]).code == 0
    runner.merge(request["number"])
    applied = runner.run("apply", "main")
    assert applied.code == 0, applied
    assert "no changes" in runner.run("render", "main").output


def test_a_guard_turns_the_job_red_and_a_merge_applies_nothing(runner: Runner, net: Net) -> None:
    to_main(runner)
    for _ in range(4):
        net.billing["splynx-main"].cancel()
    rendered = runner.run("render", "main")
    assert rendered.code == 3, rendered  # the source's own guard: shrunk by more than 20 %
    assert runner.forge.open(BRANCH) == []

    folder = runner.clone("main")
    with (folder / INVENTORY / "host_vars/splynx-main.yml").open("a") as file:
        file.write("max_shrink_percent: 100\n")
    runner.git("commit", "--quiet", "--all", "--message", "take the shrunk list", cwd=folder)
    runner.git("push", "--quiet", "origin", "main", cwd=folder)
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    planned = runner.plan(request["number"])
    assert planned.code == 3, planned
    assert len(runner.forge.ours(request["number"])) == 1
    before = store_of(net)
    runner.merge(request["number"])
    applied = runner.run("apply", "main")
    assert applied.code == 3, applied
    assert store_of(net) == before


@pytest.mark.parametrize("runner", ["github"], indirect=True)
def test_changes_that_nobody_reviewed_are_refused(runner: Runner, net: Net) -> None:
    assert runner.run("apply", "main").code == 1, "never rendered"
    to_main(runner)
    assert runner.run("apply", "main").code == 0, "again: nothing to do"
    folder = runner.clone("main")
    shard = next((folder / INVENTORY / "desired/splynx-main/subscribers").glob("*.yml"))
    lines = shard.read_text().splitlines(keepends=True)
    shard.write_text("".join(lines[:-1]))
    runner.git("commit", "--quiet", "--all", "--message", "by hand", cwd=folder)
    runner.git("push", "--quiet", "origin", "main", cwd=folder)
    before = store_of(net)
    refused = runner.run("apply", "main")
    assert refused.code == 3, refused
    assert "no plan was reviewed" in refused.output
    assert store_of(net) == before


@pytest.mark.parametrize("runner", ["gitlab"], indirect=True)
def test_what_is_not_valid_is_red_and_says_so_once(runner: Runner) -> None:
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    folder = runner.clone(BRANCH, depth=2)
    (folder / INVENTORY / "desired/splynx-main/policies.yml").write_text("policies: [\n")
    runner.git("commit", "--quiet", "--all", "--message", "break it", cwd=folder)
    runner.git("push", "--quiet", "origin", f"HEAD:{BRANCH}", cwd=folder)
    planned = runner.plan(request["number"])
    assert planned.code == 1, planned
    (comment,) = runner.forge.ours(request["number"])
    assert "There is no plan" in comment
    assert plans(runner) == []


def test_a_request_that_came_to_nothing_is_closed(runner: Runner, net: Net) -> None:
    to_main(runner)
    data = net.billing["splynx-main"]
    kept = copy.deepcopy(data.dump())
    data.new_customer()
    assert runner.run("render", "main").code == 0
    assert len(runner.forge.open(BRANCH)) == 1
    data.load(kept)
    assert runner.run("render", "main").code == 0
    assert runner.forge.open(BRANCH) == []


@pytest.mark.parametrize("runner", ["gitlab"], indirect=True)
def test_a_billing_that_fails_leaves_the_open_request_alone(runner: Runner, net: Net) -> None:
    to_main(runner)
    net.billing["splynx-main"].new_customer()
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    tip = runner.git("rev-parse", BRANCH, cwd=runner.server)
    runner.secrets["SPLYNX_API_KEY"] = "revoked"
    failed = runner.run("render", "main")
    assert failed.code == 1, failed
    assert runner.forge.open(BRANCH) == [request]
    assert runner.git("rev-parse", BRANCH, cwd=runner.server) == tip


def test_a_forge_that_fails_turns_the_job_red(runner: Runner) -> None:
    runner.forge.broken = {"/pulls", "/merge_requests"}
    failed = runner.run("render", "main")
    assert failed.code == 1, failed
    assert "failed:" in failed.output
    runner.forge.broken = set()
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    runner.forge.broken = {"/comments", "/notes"}
    assert runner.plan(request["number"]).code == 1
    runner.forge.broken = {"/artifacts", "/packages"}
    runner.merge(request["number"])
    failed = runner.run("apply", "main")
    assert failed.code == 1, failed


@pytest.mark.parametrize("runner", ["github"], indirect=True)
def test_the_plan_of_a_fork_is_never_applied(runner: Runner, tmp_path: Path) -> None:
    assert runner.run("render", "main").code == 0
    (request,) = runner.forge.open(BRANCH)
    planned = runner.plan(request["number"])
    assert planned.code == 0
    forged = tmp_path / "forged"
    forged.mkdir()
    (forged / "plan.json").write_text("{}")
    name = runner.forge.artifacts[-1]["name"]
    runner.forge.upload(name, forged, repository=FORK_ID)
    runner.merge(request["number"])
    applied = runner.run("apply", "main")
    assert applied.code == 0, applied


def plans(runner: Runner) -> list[bytes]:
    """The plans that were kept, the newest last."""
    found = sorted(runner.folder.glob("job-*/plan-out/plan.json"), key=lambda path: path.stat().st_mtime_ns)
    return [path.read_bytes() for path in found]


def store_of(net: Net, name: str = "bqn-north") -> str:
    """What is on the appliance."""
    return json.dumps(net.bqn[name].store.dump(), sort_keys=True)
