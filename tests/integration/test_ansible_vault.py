"""What the real `ansible-vault` encrypts is read, inline and as whole files, with the passwords Ansible is given."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.cli.main import main
from generator.errors import DocumentError
from generator.inventory.load import load_inventory
from generator.inventory.vault import IDENTITIES, PASSWORD, PASSWORD_FILE, Vault, VaultError

VAULT = Path(sys.executable).with_name("ansible-vault")
SECRETS = {"key": "s3cret-kéy-ключ", "bqn": "bqn-passwörd"}
HOSTS = """\
billing:
  hosts:
    splynx:
      system: splynx
      host: billing.example.net
      credentials: {api_key: demo, api_secret: "{{ vault_key }}"}
bqn:
  hosts:
    bqn-north:
      host: 192.0.2.10
      credentials:
        username: api
        password: !vault |
"""


class Files:
    """Passwords, and what was encrypted with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passwords = {"default": folder / "password", "north": folder / "north"}
        self.passwords["default"].write_text("pässword one\n")
        self.passwords["north"].write_text("  another  \r\n")
        self.inventory = folder / "inventory"
        (self.inventory / "group_vars" / "all").mkdir(parents=True)
        whole = self.inventory / "group_vars" / "all" / "vault.yml"
        whole.write_text(f"vault_key: {SECRETS['key']}\n")
        self.run("encrypt", f"--vault-password-file={self.passwords['default']}", str(whole))
        inline = self.run(
            "encrypt_string", f"--vault-id=north@{self.passwords['north']}", "--encrypt-vault-id=north", SECRETS["bqn"]
        )
        encrypted = "".join(f"          {line.strip()}\n" for line in inline.splitlines()[1:])
        (self.inventory / "hosts.yml").write_text(HOSTS + encrypted)

    def run(self, *arguments: str) -> str:
        environ = {"PATH": os.defpath, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        ended = subprocess.run(
            [VAULT, *arguments], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def environ(self) -> dict[str, str]:
        return {
            PASSWORD_FILE: str(self.passwords["default"]),
            IDENTITIES: f"north@{self.passwords['north']}",
        }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("vault"))


def test_whole_files_and_values_are_read(files: Files) -> None:
    inventory = load_inventory(files.inventory, environ=files.environ())
    assert inventory.billing["splynx"].credentials["api_secret"].reveal() == SECRETS["key"]
    assert inventory.bqn["bqn-north"].password.reveal() == SECRETS["bqn"]


def test_any_password_is_tried_whatever_the_label(files: Files) -> None:
    environ = {IDENTITIES: f"x@{files.passwords['default']}, y@{files.passwords['north']}"}
    assert load_inventory(files.inventory, environ=environ).bqn["bqn-north"].password.reveal() == SECRETS["bqn"]


def test_the_password_may_stand_in_the_environment(files: Files) -> None:
    environ = {PASSWORD: "pässword one", IDENTITIES: f"north@{files.passwords['north']}"}
    assert load_inventory(files.inventory, environ=environ).bqn["bqn-north"].password.reveal() == SECRETS["bqn"]


def test_the_options_of_the_command_line(
    files: Files, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in (PASSWORD, PASSWORD_FILE, IDENTITIES):
        monkeypatch.delenv(name, raising=False)
    passwords = [f"--vault-password-file={files.passwords['default']}", f"--vault-id=north@{files.passwords['north']}"]
    assert main(["-i", str(files.inventory), "validate", *passwords]) == 0
    assert main(["-i", str(files.inventory), "validate"]) == 1
    said = capfd.readouterr()
    assert "there is no password" in said.err
    assert not any(secret in said.out + said.err for secret in SECRETS.values())


def test_credentials_that_are_not_wanted_need_no_password_of_their_own(files: Files) -> None:
    environ = {PASSWORD_FILE: str(files.passwords["default"])}
    assert load_inventory(files.inventory, environ=environ, credentials=frozenset({"billing"}))
    with pytest.raises(DocumentError, match=r"no password opens .*'north'"):
        load_inventory(files.inventory, environ=environ)


def whole(text: str) -> str:
    return text


def cut(text: str) -> str:
    return text[: len(text) // 2]


def other(text: str) -> str:
    return text.replace("AES256", "DES")


@pytest.mark.parametrize(
    ("damage", "environ", "said"),
    [
        (whole, {}, "there is no password"),
        (whole, {PASSWORD: "wrong"}, "no password opens"),
        (whole, {PASSWORD_FILE: "FOLDER/none"}, "cannot be read: No such file"),
        (whole, {PASSWORD_FILE: "FOLDER/empty"}, "is empty"),
        (whole, {PASSWORD_FILE: "FOLDER/program"}, "is a program, which is not run"),
        (whole, {IDENTITIES: "north@prompt"}, "cannot be asked for"),
        (cut, {PASSWORD_FILE: "FOLDER/password"}, "no password opens|damaged"),
        (other, {PASSWORD_FILE: "FOLDER/password"}, "that can be read here"),
    ],
)
def test_what_cannot_be_decrypted(
    files: Files, damage: Callable[[str], str], environ: dict[str, str], said: str, tmp_path: Path
) -> None:
    (files.folder / "empty").touch()
    program = files.folder / "program"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o700)
    text = (files.inventory / "group_vars/all/vault.yml").read_text()
    given = {name: value.replace("FOLDER", str(files.folder)) for name, value in environ.items()}
    with pytest.raises(VaultError, match=said) as raised:
        Vault(given).decrypt(damage(text))
    assert raised.value.fix
    assert SECRETS["key"] not in f"{raised.value}{raised.value.fix}"


def test_what_is_secret_cannot_become_a_setting_that_is_told(files: Files, tmp_path: Path) -> None:
    inline = (files.inventory / "hosts.yml").read_text().split("!vault |\n")[1].replace("          ", "  ")
    (tmp_path / "hosts.yml").write_text(
        "billing: {hosts: {}}\nbqn: {hosts: {bqn-north: {credentials: {username: a, password: b}}}}\n"
    )
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars/bqn-north.yml").write_text(f"host: !vault |\n{inline}")
    with pytest.raises(DocumentError, match="cannot stand in a setting other than credentials") as raised:
        load_inventory(tmp_path, environ=files.environ())
    assert f"{tmp_path}/host_vars/bqn-north.yml:1:7" in str(raised.value)


@pytest.mark.parametrize(
    "text", ["a: [SECRET", "a: SECRET\na: SECRET\n", "SECRET: !x SECRET\n", "- SECRET\n", "a: 0b2SECRET_\n"]
)
def test_a_broken_file_that_was_encrypted_is_not_quoted(files: Files, text: str, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("billing: {hosts: {}}\nbqn: {hosts: {n: {}}}\n")
    (tmp_path / "host_vars").mkdir()
    broken = tmp_path / "host_vars/n.yml"
    broken.write_text(text)
    files.run("encrypt", f"--vault-password-file={files.passwords['default']}", str(broken))
    with pytest.raises(DocumentError) as raised:
        load_inventory(tmp_path, environ=files.environ())
    assert "SECRET" not in str(raised.value)


def test_ansible_reads_the_same(files: Files) -> None:
    passwords = [f"--vault-id={label}@{path}" for label, path in files.passwords.items()]
    asked = ["-m", "ansible.builtin.debug", "-a", "msg={{ vault_key }}/{{ credentials.password }}", "bqn-north"]
    ended = subprocess.run(
        [VAULT.with_name("ansible"), "-i", str(files.inventory), *passwords, *asked],
        capture_output=True, text=True, check=False,
        env={"PATH": os.defpath, "HOME": str(files.folder), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert f"{SECRETS['key']}/{SECRETS['bqn']}" in ended.stdout, ended.stdout + ended.stderr
