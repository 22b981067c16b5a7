"""The collection in templates/ansible, built, installed and run by the real Ansible against emulator and simulator."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.bqn.kinds import Kind

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "templates" / "ansible"
HOSTILE = "evil\u202e\x9b31m"


class Ansible:
    """The commands of ansible-core with the collection installed, and nothing of the machine's own settings."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.defpath)),
            "PYTHONPATH": str(ROOT),
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "ANSIBLE_HOME": str(home),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",  # half the processes for each task
            "LC_ALL": "C.UTF-8",
        }
        (home / "ansible.cfg").touch()

    def run(self, command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        line = [str(Path(sys.executable).parent / command), *map(str, arguments)]
        return subprocess.run(
            line, cwd=self.home, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> Ansible:
    made = Ansible(tmp_path_factory.mktemp("ansible"))
    built = made.run("ansible-galaxy", "collection", "build", COLLECTION, "--output-path", made.home)
    assert built.returncode == 0, built.stderr
    archive = next(made.home.glob("bqnctl-bqn-*.tar.gz"))
    installed = made.run(
        "ansible-galaxy", "collection", "install", archive, "-p", made.home / "collections", "--offline"
    )
    assert installed.returncode == 0, installed.stderr
    executable = made.home / "bqnctl"
    executable.write_text(f'#!/bin/sh\nexec {sys.executable} -m generator "$@"\n')
    executable.chmod(0o755)
    return made


def edited(folder: Path, copy: str, edit: Callable[[dict[str, Any]], None]) -> Path:
    """A copy of an inventory whose rendered subscribers went through `edit`."""
    target = folder.with_name(copy)
    shutil.copytree(folder, target)
    file = next(target.glob("desired/*/subscribers/*.yml"))
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    edit(content["subscribers"])
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return target


def keep_three(subscribers: dict[str, Any]) -> None:
    for address in list(subscribers)[3:]:
        del subscribers[address]


def rename_one(subscribers: dict[str, Any]) -> None:
    next(iter(subscribers.values()))["id"] = HOSTILE


def playbook(home: Path, tasks: Mapping[str, dict[str, Any]]) -> tuple[Path, Path]:
    """A playbook whose tasks each may fail, and the file in which it leaves what each returned."""
    results = home / "results.json"
    listed: list[dict[str, Any]] = [
        {"name": name, "register": name, "ignore_errors": True, **task} for name, task in tasks.items()
    ]
    content = "{{ {" + ", ".join(f"'{name}': {name}" for name in tasks) + "} | to_json }}"
    listed.append(
        {"name": "Results", "ansible.builtin.copy": {"dest": str(results), "content": content}, "diff": False}
    )
    play = {"hosts": "localhost", "gather_facts": False, "tasks": listed}
    file = home / "play.yml"
    file.write_text(yaml.safe_dump([play], sort_keys=False))
    return file, results


def test_the_modules_plan_apply_and_refuse(net: Any, bqnctl: Any, ansible: Ansible) -> None:
    net.add_billing(customers=30)
    simulator = net.add_bqn()
    inventory = net.write()
    unrendered = inventory.with_name("unrendered")
    shutil.copytree(inventory, unrendered)
    broken = inventory.with_name("broken")
    shutil.copytree(inventory, broken)
    hosts = (broken / "hosts.yml").read_text()
    (broken / "hosts.yml").write_text(hosts.replace("api_secret: ", "api_secret: CANARY-"))
    assert bqnctl("render").code == 0
    old = ansible.home / "old.plan.json"
    assert bqnctl("plan", "--out", str(old)).code == 0
    damaged = ansible.home / "damaged.plan.json"
    damaged.write_text('{"appliances": [{"changes": [{}]}]}')
    shrunk, renamed = edited(inventory, "shrunk", keep_three), edited(inventory, "renamed", rename_one)

    def task(module: str, folder: Path | None, *, check: bool = False, **options: Any) -> dict[str, Any]:
        common = {"executable": str(ansible.home / "bqnctl"), "inventory": str(folder)}
        return {f"bqnctl.bqn.{module}": common | options, "check_mode": check}

    saved = str(ansible.home / "saved.plan.json")
    file, results = playbook(
        ansible.home,
        {
            "render_check": task("render", unrendered, check=True),
            "render": task("render", unrendered),
            "render_again": task("render", unrendered),
            "render_broken": task("render", broken),
            "check": task("policy", inventory, check=True),
            "apply": task("policy", inventory),
            "again": task("policy", inventory),
            "guarded": task("policy", shrunk),
            "save": task("policy", renamed, check=True, save=saved),
            "saved": task("policy", renamed, plan=saved),
            "stale": task("policy", renamed, plan=str(old)),
            "damaged": task("policy", renamed, plan=str(damaged)),
        },
    )
    ran = ansible.run("ansible-playbook", "--diff", file)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(results.read_text(encoding="utf-8"))
    outcome = {name: (each["failed"], each["changed"]) for name, each in found.items()}
    assert outcome == {
        "render_check": (False, True), "render": (False, True), "render_again": (False, False),
        "render_broken": (True, False),
        "check": (False, True), "apply": (False, True), "again": (False, False),
        "guarded": (True, False),
        "save": (False, True), "saved": (False, True), "stale": (True, False),
        "damaged": (True, False),
    }  # fmt: skip
    assert found["check"]["counts"] == found["apply"]["counts"]
    assert found["check"]["counts"]["create"] > 30
    assert found["check"]["diff"] == found["apply"]["diff"]
    assert set(found["again"]["counts"].values()) == {0}
    assert found["again"]["diff"] == []
    assert "delete 2" in found["guarded"]["msg"]
    assert "--allow delete=" in found["guarded"]["msg"]
    assert (found["guarded"]["rc"], found["stale"]["rc"], found["render_broken"]["rc"]) == (3, 3, 1)
    assert "damaged.plan.json" in found["damaged"]["msg"]
    assert "MODULE FAILURE" not in found["damaged"]["msg"]
    assert "stale plan" in found["stale"]["msg"]
    assert "splynx: " in found["render_broken"]["msg"]
    assert HOSTILE in {item["subscriberId"] for item in simulator.store.items(Kind.SUBSCRIBER)}
    shown = ran.stdout + ran.stderr
    assert "+++ after: bqn: subscribers" in shown
    assert r"evil\u202e\x9b31m" in shown
    everything = shown + json.dumps(found)
    assert not any(secret in everything for secret in ("api-password", "CANARY-", "\u202e", "\x9b"))


def test_the_role_plans_each_appliance_of_the_play(net: Any, bqnctl: Any, ansible: Ansible) -> None:
    net.add_billing(customers=5)
    net.add_bqn("bqn-a")
    net.add_bqn("bqn-b", credentials={"username": "api", "password": "CANARY-wrong"})
    inventory = net.write()
    arguments = ["-i", inventory, "-e", f"bqnctl_executable={ansible.home / 'bqnctl'}", "bqnctl.bqn.policy"]
    ran = ansible.run("ansible-playbook", *arguments, "-e", "bqnctl_render=true", "--diff")
    assert ran.returncode == 2, ran.stdout + ran.stderr
    recap = {line.split()[0]: line for line in ran.stdout.split("PLAY RECAP", 1)[1].splitlines()[1:] if line.strip()}
    assert "changed=2" in recap["bqn-a"]
    assert "failed=1" in recap["bqn-b"]
    assert "after: bqn-a: subscribers" in ran.stdout
    assert "401" in ran.stdout + ran.stderr
    assert "CANARY-wrong" not in ran.stdout + ran.stderr
    assert bqnctl("-l", "bqn-a", "plan", "--detailed-exitcode").code == 0
