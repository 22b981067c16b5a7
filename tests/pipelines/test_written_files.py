"""What `init` writes, read by the programs that it is for: shellcheck, the schemas of both forges, systemd."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.main import main

TOLD = ["--system", "powercode", "--host", "billing.example.net", "--bqn", "bqn-north=192.0.2.10", "--defaults"]
PINNED = re.compile(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}")
BIN = Path(sys.executable).parent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "new"), *TOLD, "--ci", "github", "--ci", "gitlab"]) == 0
    return tmp_path / "new"


def check(*command: str | Path, cwd: Path) -> None:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("forges", [["github"], ["gitlab"], ["github", "gitlab"]])
def test_the_scripts_please_shellcheck(forges: list[str], tmp_path: Path) -> None:
    assert main(["init", str(tmp_path), *TOLD, *(word for forge in forges for word in ("--ci", forge))]) == 0
    scripts = sorted(tmp_path.glob("ci/*.sh"))
    assert len(scripts) == 4 + len(forges)
    check(BIN / "shellcheck", "--external-sources", *scripts, cwd=tmp_path)


def test_the_pipelines_of_a_fleet(tmp_path: Path) -> None:
    bqns = [word for number in range(5) for word in ("--bqn", f"bqn-{number}=192.0.2.1{number}")]
    told = ["--system", "splynx", "--host", "billing.example.net", *bqns, "--ci", "github", "--ci", "gitlab"]
    assert main(["init", str(tmp_path), *told, "--parts", "3", "--defaults"]) == 0
    limits = ["bqn[0:0]", "bqn[1:2]", "bqn[3:]"]
    plan = workflow(tmp_path, "plan")
    assert plan["jobs"]["part"]["strategy"]["matrix"]["limit"] == limits
    assert plan["jobs"]["part"]["permissions"] == {"contents": "read"}
    assert all(
        PINNED.fullmatch(step["uses"]) for job in plan["jobs"].values() for step in job["steps"] if "uses" in step
    )
    pipeline = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())
    assert pipeline["part"]["parallel"]["matrix"] == [{"LIMIT": limits}]
    scripts = sorted(tmp_path.glob("ci/*.sh"))
    assert tmp_path / "ci/part.sh" in scripts
    schema: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema"]
    check(*schema, "vendor.github-workflows", *sorted(tmp_path.glob(".github/workflows/*.yml")), cwd=tmp_path)
    check(*schema, "vendor.gitlab-ci", tmp_path / ".gitlab-ci.yml", cwd=tmp_path)
    check(BIN / "shellcheck", "--external-sources", *scripts, cwd=tmp_path)


def test_the_pipelines_follow_the_schemas_of_the_forges(repository: Path) -> None:
    workflows = sorted(repository.glob(".github/workflows/*.yml"))
    assert len(workflows) == 3
    schema: list[str | Path] = [BIN / "check-jsonschema", "--builtin-schema"]
    check(*schema, "vendor.github-workflows", *workflows, cwd=repository)
    check(*schema, "vendor.gitlab-ci", repository / ".gitlab-ci.yml", cwd=repository)


def test_systemd_takes_the_units(repository: Path) -> None:
    for unit in sorted((repository / "systemd").iterdir()):
        check("systemd-analyze", "verify", unit, cwd=repository)
    lines = (repository / "systemd/bqnctl.service").read_text().splitlines()
    assert [line for line in lines if line.startswith("ExecStart=")] == ["ExecStart=/usr/bin/env bqnctl sync"]


def workflow(repository: Path, name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((repository / f".github/workflows/bqnctl-{name}.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        ("render", {"contents": "write", "pull-requests": "write", "actions": "write"}),
        ("plan", {"contents": "read", "pull-requests": "write"}),
        ("apply", {"contents": "read", "actions": "read"}),
    ],
)
def test_a_workflow_may_only_what_it_needs(repository: Path, name: str, permissions: dict[str, str]) -> None:
    whole = workflow(repository, name)
    assert whole["permissions"] == {}
    (job,) = whole["jobs"].values()
    assert job["permissions"] == permissions
    assert all(PINNED.fullmatch(step["uses"]) for step in job["steps"] if "uses" in step)
    assert [step["with"]["persist-credentials"] for step in job["steps"] if "checkout" in step.get("uses", "")] == [
        name == "render"
    ]
    # Secrets are for the one step that needs them, not for pip and the actions; the billing's for render only.
    steps = {step.get("name"): step.get("env", {}) for step in job["steps"] if "env" in step}
    (environment,) = steps.values()
    assert list(job["env"]) == ["BQNCTL_INVENTORY"]
    assert ("POWERCODE_SSH_PASSWORD" in environment) == (name == "render")


def test_render_and_apply_wait_for_each_other(repository: Path) -> None:
    groups = [workflow(repository, name)["concurrency"] for name in ("render", "apply")]
    assert groups[0] == groups[1]
    assert groups[0]["cancel-in-progress"] is False
    pipeline = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())
    assert pipeline["render"]["resource_group"] == pipeline["apply"]["resource_group"]
    assert "resource_group" not in pipeline["plan"]


def test_what_the_pre_commit_hook_runs(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config,) = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"]
    (hook,) = config["hooks"]
    program, *arguments = hook["entry"].split()
    assert program == "bqnctl"
    monkeypatch.chdir(repository)
    assert main(arguments) == 0
    assert re.search(hook["files"], "inventories/production/hosts.yml")
    (repository / "inventories/production/hosts.yml").write_text("all: {children: {billing: 1}}\n")
    assert main(arguments) == 1
