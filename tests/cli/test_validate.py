"""`bqnctl validate`: everything at once, each with its place, without a network."""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def rendered(net: Any, bqnctl: Any) -> Path:
    net.add_billing(customers=3)
    net.add_bqn()
    assert bqnctl("render").code == 0
    folder: Path = net.folder / "desired" / "splynx"
    return folder


def test_what_is_right_is_valid(rendered: Path, bqnctl: Any) -> None:
    ran = bqnctl("validate")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "valid: 1 billing hosts, 1 BQNs, desired state of 1 sources\n"


@pytest.mark.parametrize("trap", ["no", "012", "12:30:45", "1e3", "2024-01-01", "~", "0x1F", "1_000", "y"])
def test_every_yaml_trap_is_an_error_with_its_place(rendered: Path, bqnctl: Any, trap: str) -> None:
    file = rendered / "subscribers" / "10.0.0.0_16.yml"
    file.write_text(f"subscribers:\n  10.0.0.1: {{id: {trap}, policy: Home_50_Mb}}\n")
    ran = bqnctl("validate")
    assert ran.code == 1
    assert f"{file}:2:18" in ran.err
    assert f'write "{trap}"' in ran.err
    assert bqnctl("plan").code == 1


def test_problems_of_all_files_are_shown_at_once(net: Any, rendered: Path, bqnctl: Any) -> None:
    (rendered / "groups.yml").write_text("groups:\n  L1-A: {typo: x}\n")
    (rendered / "subscribers" / "10.0.0.0_16.yml").write_text("subscribers:\n  10.0.0.1: {policy: Nothing}\n")
    (rendered / "policies.yml").write_text("policies: [\n")
    templates = net.folder / "templates"
    templates.mkdir()
    (templates / "groups.yml.j2").write_text("{{ undefined_name }}")
    net.hosts["bqn"]["hosts"]["bqn"]["max_conections"] = 3
    err = bqnctl("validate").err
    for part in ("groups.yml:2:", "policies.yml:", "groups.yml.j2", "max_conections", "max_connections"):
        assert part in err, part


def test_references_are_checked(rendered: Path, bqnctl: Any) -> None:
    file = rendered / "subscribers" / "10.0.0.0_16.yml"
    file.write_text("subscribers:\n  10.0.0.1: {policy: Nothing, groups: [L1-Nowhere]}\n")
    err = bqnctl("validate").err
    assert f"{file}:2:" in err
    assert "Nothing" in err
    assert "L1-Nowhere" in err


def test_a_tree_of_no_host_is_a_warning(net: Any, rendered: Path, bqnctl: Any) -> None:
    rendered.rename(rendered.with_name("old"))
    ran = bqnctl("validate")
    assert ran.code == 0
    assert "desired/old belongs to no billing host" in ran.out


@pytest.mark.parametrize("name", ["demo", "example"])
def test_the_shipped_inventories_are_valid(name: str, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from generator.cli.main import main  # noqa: PLC0415 - beside its use

    folder = ROOT / "inventories" / name
    for file in folder.rglob("*.yml"):
        for part in file.read_text(encoding="utf-8").split("lookup('env', '")[1:]:
            monkeypatch.setenv(part.split("'")[0], "set")
    code = main(["-i", str(folder), "validate"])
    assert code == 0, capfd.readouterr().err
