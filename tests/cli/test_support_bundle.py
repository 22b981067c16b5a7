"""`bqnctl support-bundle`: what is in it, what is never in it, and that it is made when things are broken."""

import io
import json
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.main import main
from generator.demo.splynx import CREDENTIALS
from generator.support.pseudonyms import Pseudonyms
from generator.support.redaction import redacted

Ran = Any
Net = Any
CANARIES = ("CANARY-billing", "CANARY-bqn", "CANARY-env", "CANARY-comment", "CANARY-variable", "CANARY-file")
PARTS = [
    "versions.json", "repository.json", "inventory/hosts.yml", "inventory/group_vars/all.yml", "doctor.json",
    "desired/counts.json", "desired/splynx.json", "plans/1-one.plan.json", "log.txt", "problems.txt",
]  # fmt: skip
CUSTOMER = "Ana Núñez"


def unpacked(file: Path) -> dict[str, str]:
    with tarfile.open(file) as tar:
        members = {member.name.split("/", 1)[1]: tar.extractfile(member) for member in tar.getmembers()}
        assert {member.mode for member in tar.getmembers()} == {0o600}
        return {name: opened.read().decode() for name, opened in members.items() if opened is not None}


def everything(parts: dict[str, str]) -> str:
    """All names and texts, also with the escapes of JSON read."""
    read = [json.dumps(json.loads(text), ensure_ascii=False) for name, text in parts.items() if name.endswith(".json")]
    return "\n".join([*parts, *parts.values(), *read])


@pytest.fixture
def troubled(net: Net, bqnctl: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Net:
    """A network that was applied once, with a canary wherever a credential may stand, and a customer with a name."""
    net.add_billing(subscriber_id="name")
    net.add_bqn("bqn-main", note="CANARY-variable")
    splynx = net.billing["splynx"]
    splynx._customer(splynx.online[0])["name"] = CUSTOMER
    splynx.touch()
    assert bqnctl("render").code == 0
    assert bqnctl("plan", "--out", str(net.folder / "one.plan.json")).code == 0
    assert bqnctl("apply", "--yes").code == 0
    monkeypatch.setenv("BQNCTL_TEST_SECRET", "CANARY-env")
    hosts = net.hosts["billing"]["hosts"]
    hosts["splynx"]["credentials"] = {**CREDENTIALS, "api_secret": "CANARY-billing"}
    looked_up = {
        "api_key": "{{ lookup('env', 'BQNCTL_TEST_SECRET') }}",
        "api_secret": "{{ lookup('file', 'secret.txt') }}",
    }
    hosts["second"] = {**hosts["splynx"], "credentials": looked_up}
    net.hosts["bqn"]["hosts"]["bqn-main"]["credentials"]["password"] = "CANARY-bqn"
    net.write()
    (net.folder / "secret.txt").write_text("CANARY-file\n")
    (net.folder / "group_vars").mkdir()
    (net.folder / "group_vars" / "all.yml").write_text("# was CANARY-comment\nnetworks: [0.0.0.0/0]\n")
    return net


def bundle(net: Net, file: Path, *arguments: str) -> int:
    """The command, on the folder as it stands."""
    return main(["-i", str(net.folder), "support-bundle", "-o", str(file), *arguments])


def customers(net: Net) -> Iterator[tuple[str, str]]:
    for file in net.folder.glob("desired/*/subscribers/*.yml"):
        for address, entry in yaml.safe_load(file.read_text(encoding="utf-8"))["subscribers"].items():
            yield address, entry["id"]


def test_nobody_and_no_secret_is_in_it(troubled: Net, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    found = dict(customers(troubled))
    assert CUSTOMER in found.values()
    log = tmp_path / "service.log"
    address = next(iter(found))
    log.write_text(
        f"warning: {CUSTOMER} at {address}: 'Somebody Else' <ana@example.net> used CANARY-bqn\n", encoding="utf-8"
    )
    file = tmp_path / "out.tar.gz"
    plan = str(troubled.folder / "one.plan.json")
    assert bundle(troubled, file, "--full", "--log", str(log), "--plan", plan) == 0
    said = capfd.readouterr()
    assert said.out == f"{file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    parts = unpacked(file)
    shown = everything(parts) + said.err
    assert [canary for canary in CANARIES if canary in shown] == []
    on_the_bqn = [name.replace(" ", "_") for name in found.values()]
    assert [each for each in (*found, *found.values(), *on_the_bqn, "Somebody", "example.net") if each in shown] == []
    for name in PARTS:
        assert name in parts
        assert name in said.err
    assert "BQNCTL_TEST_SECRET" in parts["inventory/hosts.yml"]
    assert "system: splynx" in parts["inventory/hosts.yml"]
    assert "networks: [0.0.0.0/0]" in parts["inventory/group_vars/all.yml"]
    assert json.loads(parts["desired/counts.json"])["splynx"]["subscribers"] == len(found)
    changes = json.loads(parts["plans/1-one.plan.json"])["appliances"][0]["changes"]
    assert changes["create subscriber"] == len(found)
    hosts = {each["host"]: each for each in json.loads(parts["doctor.json"])}
    assert any("401" in (probe["problem"] or "") for probe in hosts["bqn-main"]["probes"])


def test_the_samples_that_doctor_sees_are_not_shown(net: Net, bqnctl: Callable[..., Ran], tmp_path: Path) -> None:
    net.add_billing(subscriber_id="name")
    net.add_bqn()
    samples = [
        line.rpartition("for example ")[2] for line in bqnctl("doctor").out.splitlines() if "for example" in line
    ]
    assert len(samples) > 1
    assert bundle(net, tmp_path / "out.tar.gz") == 0
    shown = unpacked(tmp_path / "out.tar.gz")["doctor.json"]
    assert [sample for sample in samples if sample in shown] == []
    assert [probe["problem"] for host in json.loads(shown) for probe in host["probes"] if probe["problem"]] == []


def test_the_same_person_is_the_same_in_every_part(troubled: Net, tmp_path: Path) -> None:
    assert bundle(troubled, tmp_path / "out.tar.gz", "--full", "--offline") == 0
    parts = unpacked(tmp_path / "out.tar.gz")
    assert "doctor.json" not in parts
    desired = json.loads(parts["desired/splynx.json"])["subscribers"]
    journal = next(text for name, text in parts.items() if name.startswith("journal/"))
    written = {
        record["key"]: record["after"]["id"]
        for record in map(json.loads, journal.splitlines())
        if record["event"] == "intent" and record["kind"] == "subscriber"
    }
    assert written == {address: entry["id"] for address, entry in desired.items()}
    assert len(written) == len(dict(customers(troubled)))
    assert {entry["policy"] for entry in desired.values()} <= set(json.loads(parts["desired/splynx.json"])["policies"])


def test_names_stay_when_asked_and_secrets_still_go(troubled: Net, tmp_path: Path) -> None:
    assert bundle(troubled, tmp_path / "out.tar.gz", "--full", "--offline", "--with-names") == 0
    shown = everything(unpacked(tmp_path / "out.tar.gz"))
    assert CUSTOMER in shown
    assert next(customers(troubled))[0] in shown
    assert [canary for canary in CANARIES if canary in shown] == []


@pytest.mark.parametrize(
    "harm", ["hosts: [\n  password: CANARY-bqn\n", "\tall: CANARY-bqn", "all: {children: {bqn: 7}}"]
)
def test_it_is_made_of_a_broken_inventory(
    troubled: Net, tmp_path: Path, harm: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (troubled.folder / "hosts.yml").write_text(harm)
    policies = next(troubled.folder.glob("desired/*/policies.yml"))
    policies.write_text("policies: [broken")
    file = tmp_path / "out.tar.gz"
    assert bundle(troubled, file, "--full") == 0
    parts = unpacked(file)
    assert "hosts.yml" in parts["problems.txt"]
    assert "policies.yml" in parts["problems.txt"]
    shown = everything(parts) + capfd.readouterr().err
    assert [canary for canary in CANARIES if canary in shown] == []
    assert CUSTOMER not in shown


def test_it_is_made_where_nothing_answers_and_there_is_no_git(
    troubled: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled.stack.close()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BQNCTL_TEST_SECRET")
    assert bundle(troubled, tmp_path / "out.tar.gz") == 0
    parts = unpacked(tmp_path / "out.tar.gz")
    assert "git" in json.loads(parts["repository.json"])["problem"]
    hosts = {each["host"]: each for each in json.loads(parts["doctor.json"])}
    assert set(hosts) == {"splynx", "bqn-main"}  # the secret of the third is not at hand
    assert all(any(probe["problem"] for probe in each["probes"]) for each in hosts.values())
    assert "inventory/hosts.yml:24:22: host second, key credentials.api_key" in parts["problems.txt"]
    assert str(tmp_path) not in parts["problems.txt"]


def test_it_tells_the_commit_and_whether_it_is_dirty(troubled: Net, tmp_path: Path) -> None:
    git = ["git", "-C", str(troubled.folder), "-c", "user.name=t", "-c", "user.email=t@example.net"]
    for line in (["init", "-q"], ["add", "hosts.yml"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *line], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    assert bundle(troubled, tmp_path / "out.tar.gz", "--offline") == 0
    told = json.loads(unpacked(tmp_path / "out.tar.gz")["repository.json"])
    assert len(told["commit"]) == 40
    assert told["dirty"] is True


def test_a_file_that_exists_is_kept(tmp_path: Path, net: Net, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.tar.gz"
    file.write_bytes(b"mine")
    net.add_bqn()
    net.write()
    assert bundle(net, file, "--offline") == 1
    assert "--force" in capfd.readouterr().err
    assert file.read_bytes() == b"mine"
    assert bundle(net, file, "--offline", "--force") == 0
    assert tarfile.is_tarfile(io.BytesIO(file.read_bytes()))


def test_it_is_made_without_any_inventory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["support-bundle"]) == 0
    file = Path(capfd.readouterr().out.strip())
    assert set(unpacked(file)) == {"versions.json", "desired/counts.json", "doctor.json", "problems.txt"}


def test_addresses_keep_their_neighbours_and_nothing_else() -> None:
    names = Pseudonyms(b"k" * 32, plain=["192.0.2.10"])
    near, far = names.address("10.20.30.40"), names.address("10.99.0.1")
    network = ip_network(names.address("10.20.30.0/23"))
    assert ip_address(near) in network
    assert ip_address(far) not in network
    assert near.startswith("10.")
    assert near != "10.20.30.40"
    assert names.address("192.0.2.10") == "192.0.2.10"
    assert ip_address(names.address("2001:db8:7::1")) in ip_network(names.address("2001:db8:7::/56"))
    every = {names.address(f"10.0.{at >> 8}.{at & 255}") for at in range(2000)}
    assert len(every) == 2000
    assert Pseudonyms(b"l" * 32).address("10.20.30.40") != near


@pytest.mark.parametrize("address", ["10.20.30.40", "2001:db8:7::1", "2001:db8:7::", "1:2:3:4:5:6:7:8", "10.20.0.0/16"])
@pytest.mark.parametrize(
    "sentence", ["{}", "{}: gone", "at {}, so", "({})", "https://{}:3443", "[{}]:3443", "{}.", "id_{}", "={},"]
)
def test_addresses_are_found_in_sentences(sentence: str, address: str) -> None:
    if sentence.startswith("https") and address[:3] != "10.":
        sentence = "https://[{}]:3443"
    hidden = Pseudonyms(b"k" * 32).text(sentence.format(address))
    assert address.split("/", maxsplit=1)[0] not in hidden
    assert hidden == sentence.format(Pseudonyms(b"k" * 32).address(address))


@pytest.mark.parametrize("text", ["at 12:30:05", "version 1.2.3.4.5", "a::b::c", "SHA-256 AB:CD", "std::vector"])
def test_what_is_no_address_stays(text: str) -> None:
    assert Pseudonyms(b"k" * 32).text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("credentials: {api_key: hunter2, other: \"{{ lookup('env', 'A') }}\"}  # hunter2",
         "credentials: {api_key: <hidden>, other: \"{{ lookup('env', 'A') }}\"}"),
        ("timeout: 5\nmy_pin: 12345\nown: hunter2\n", "timeout: 5\nmy_pin: <hidden>\nown: <hidden>\n"),
        ("own: {a: hunter2, b: [hunter2, {c: hunter2}]}", "own: {a: <hidden>, b: [<hidden>, {c: <hidden>}]}"),
        ("a: &x hunter2\nb: *x\n", "a: &x <hidden>\nb: *x\n"),
        ("? [hunter2]\n: hunter2", "? [<hidden>]\n: <hidden>"),
        ("host: https://u:hunter2@example.net", "host: https://<hidden>@example.net"),
        ("x: !vault |\n  hunter2\nport: 1\n", "x: !vault <hidden>\n\nport: 1\n"),
        ("key: \"{{ lookup('env', 'A', default='hunter2') }}\"", "key: <hidden>"),
        ("$ANSIBLE_VAULT;1.1;AES256\nhunter2", "(encrypted with Ansible Vault)\n"),
        ("a:\n  - api_key: hunter2\n bad", "a:\n  - api_key: <hidden>\n <hidden>"),
    ],
)  # fmt: skip
def test_settings_stay_and_all_else_goes(text: str, shown: str) -> None:
    result = redacted(text).text
    assert "hunter2" not in result
    assert result.replace(" \n", "\n") == shown or result == shown
