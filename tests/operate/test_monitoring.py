"""Units, alert rules, dashboard and docs speak of options, metrics and events that there are, and of all of them."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.documents.resources import resource_dir
from generator.documents.schema import load_schema
from generator.operate.events import Event
from generator.operate.memory import Memory
from generator.operate.metrics import metrics_text

TEMPLATES = resource_dir("templates")
SERVICE = (Path(__file__).resolve().parents[2] / "docs/service.md").read_text(encoding="utf-8")
METRIC = re.compile(r"\bbqnctl_sync_[a-z_]+")
SELECTOR = re.compile(r"(bqnctl_sync_[a-z_]+)\{([^}]*)\}")


def families() -> dict[str, set[str]]:
    """The labels of each metric, by the name that its samples have."""
    memory = Memory(inventory="main").knowing(["splynx"], ["bqn"], ["noc"])
    found: dict[str, set[str]] = {}
    for line in metrics_text(memory).decode().splitlines():
        if not line.startswith("#"):
            name, _, labels = line.rpartition(" ")[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    return found


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((TEMPLATES / "monitoring/alerts.yml").read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads((TEMPLATES / "monitoring/grafana.json").read_text())["panels"])


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in alerts())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def test_every_expression_asks_for_metrics_and_labels_that_there_are() -> None:
    known = families()
    for expression in expressions():
        names = METRIC.findall(expression)
        assert names, expression
        assert set(names) <= known.keys(), expression
        for name, selector in SELECTOR.findall(expression):
            assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= known[name], expression
        assert expression.count("(") == expression.count(")")
        assert all(name.endswith("_total") for name in re.findall(r"increase\((\w+)", expression))


def test_every_metric_is_shown_or_warned_of_or_is_for_reading_only() -> None:
    used = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert families().keys() - used == {"bqnctl_sync_interval_seconds"}


def test_labels_in_words_are_labels_of_the_expression() -> None:
    known = families()
    for rule in alerts():
        assert re.fullmatch(r"Bqnctl[A-Za-z]+", rule["alert"])
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        labels = set().union(*(known[name] for name in METRIC.findall(rule["expr"])))
        assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= labels, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}
    for panel in panels():
        for target in panel["targets"]:
            labels = set().union(*(known[name] for name in METRIC.findall(target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels


def test_panels_have_a_place_of_their_own() -> None:
    cells = [
        (x, y)
        for panel in panels()
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels()}) == len(panels())


def section(title: str) -> set[str]:
    """The first words of the rows of the table under a heading of docs/service.md."""
    text = SERVICE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}


def test_the_docs_list_every_event_and_nothing_else() -> None:
    assert section("Events") == set(map(str, Event))


def test_the_docs_list_every_metric_with_its_labels_and_nothing_else() -> None:
    text = SERVICE.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:3]] for line in text.splitlines() if line.startswith("| `")]
    documented = {f"bqnctl_sync_{name}": set(re.findall(r"\w+", labels)) for name, labels in rows}
    assert documented == {name: labels - {"inventory"} for name, labels in families().items()}


def test_the_docs_list_every_setting_of_a_webhook() -> None:
    assert section("Webhooks") >= set(load_schema("notify")["$defs"]["webhook"]["properties"])


def options_of(command: str) -> set[str]:
    helped = subprocess.run(
        [sys.executable, "-m", "generator", command, "--help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", helped.stdout))


def test_the_docs_list_every_option_of_its_own() -> None:
    common = options_of("runs")
    assert section("Options") == options_of("sync") - common


UNITS = ["bqnctl-sync.service", "bqnctl-sync.timer", "bqnctl-sync-daemon.service"]


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(TEMPLATES / "systemd" / name)
    return parser


def test_systemd_takes_the_units_of_sync(tmp_path: Path) -> None:
    for name in UNITS:
        text = (TEMPLATES / "systemd" / name).read_text()
        # The program stands where the package is installed; here it may be nowhere on systemd's path.
        (tmp_path / name).write_text(text.replace("ExecStart=bqnctl ", f"ExecStart={shutil.which('env')} bqnctl "))
    ended = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / name for name in UNITS)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("name", ["bqnctl-sync.service", "bqnctl-sync-daemon.service"])
def test_a_unit_runs_options_that_exist_and_is_as_hard_as_the_gateways(name: str) -> None:
    service = unit(name)["Service"]
    words = service["ExecStart"].split()
    assert words[:2] == ["bqnctl", "sync"]
    assert {word for word in words if word.startswith("-")} <= options_of("sync")
    assert ("--interval" in words) == (service["Type"] == "notify")
    assert ("ExecReload" in service) == (service["Type"] == "notify")
    hard = {
        "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "NoNewPrivileges", "CapabilityBoundingSet",
        "ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups", "RestrictAddressFamilies",
        "RestrictNamespaces", "RestrictRealtime", "LockPersonality", "MemoryDenyWriteExecute",
        "SystemCallArchitectures", "SystemCallFilter",
    }  # fmt: skip
    gateway = unit("bqnctl-gateway@.service")["Service"]
    assert {key: service[key] for key in hard} == {key: gateway[key] for key in hard}
