"""Every error leads to its section in docs/errors.md, and every section belongs to an error."""

import re
from pathlib import Path

import pytest

from generator import errors
from generator.billing.http import StatusError
from generator.cli.main import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.BqnctlError)
]


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", (DOCS / "errors.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_class_has_a_section_and_every_section_a_class() -> None:
    assert len(CLASSES) > 5
    assert sorted(sections()) == sorted(kind.anchor() for kind in CLASSES)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_section_says_the_code_the_causes_and_what_to_do(kind: type[errors.BqnctlError]) -> None:
    text = sections()[kind.anchor()]
    assert f"Exit code {int(kind.exit_code)}." in text
    assert "**Typical causes**" in text
    assert "**What to do**" in text


def test_a_class_of_another_module_leads_to_the_section_of_its_parent() -> None:
    assert StatusError.anchor() == "source-error"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["pln"], "did you mean plan"),
        (["-i", "{inventory}", "plan", "-l", "bqn-nroth"], "did you mean bqn-north"),
        (["-i", "{inventory}", "plan", "--only", "subscribr:10.0.0.1"], "did you mean subscriber?"),
        (["schema", "bqnhost"], "did you mean bqn-host"),
        (["simulate", "splinx"], "did you mean splynx?"),
    ],
)
def test_what_is_mistyped_is_told_the_nearest_name(
    line: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = "all: {children: {billing: {hosts: {s: {system: splynx, host: a}}}, bqn: {hosts: {bqn-north: {host: b}}}}}"
    (tmp_path / "hosts.yml").write_text(hosts)
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/bqn.yml").write_text("credentials: {username: u, password: p}\n")
    (tmp_path / "group_vars/billing.yml").write_text("credentials: {api_key: k, api_secret: s}\n")
    assert main([part.format(inventory=tmp_path) for part in line]) == 1
    err = capfd.readouterr().err
    assert said in err
    assert err.endswith("  see docs/errors.md#usage-error\n")


def test_an_option_that_is_mistyped_is_told_the_nearest_one(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--detailed-exit-code"]) == 1
    assert "--detailed-exitcode" in capfd.readouterr().err


def test_a_setting_that_is_mistyped_is_told_the_nearest_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hosts = "all: {children: {billing: {hosts: {}}, bqn: {hosts: {bqn-north: {host: b, max_conections: 2}}}}}"
    (tmp_path / "hosts.yml").write_text(hosts)
    assert main(["-i", str(tmp_path), "validate", "--no-credentials"]) == 1
    err = capfd.readouterr().err
    assert "max_connections" in err
    assert err.endswith("  see docs/errors.md#document-error\n")
