"""Ansible Vault: texts that `ansible-vault` encrypted, read with the passwords that Ansible would be given.

The passwords come from the files that ANSIBLE_VAULT_PASSWORD_FILE and ANSIBLE_VAULT_IDENTITY_LIST name (the
options --vault-password-file and --vault-id set them), or from BQNCTL_VAULT_PASSWORD itself, for pipelines that
have secrets in the environment. They are read when the first encrypted text is needed. A password file that is
a program is refused: nothing in an inventory is executed.

The format (ansible-core, documentation of vault payload formats 1.1 and 1.2): a header line
`$ANSIBLE_VAULT;VERSION;AES256[;LABEL]`, then in hexadecimal three lines in hexadecimal: salt, HMAC-SHA256 and the
text encrypted with AES-256 in counter mode, padded to blocks. The keys are PBKDF2-HMAC-SHA256 of the password.
"""

import hashlib
import hmac
import os
from binascii import Error as HexError
from binascii import unhexlify
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

MARK = "$ANSIBLE_VAULT;"

_VERSIONS = ("1.1", "1.2")
_CIPHER = "AES256"
_ROUNDS = 10_000
_KEY_BYTES, _COUNTER_BYTES = 32, 16
_HEADER_FIELDS = 3
_DEFAULT_LABEL = "default"
_MAX_PASSWORD_FILE = 65_536

PASSWORD = "BQNCTL_VAULT_PASSWORD"  # noqa: S105 - the variable's name
PASSWORD_FILE = "ANSIBLE_VAULT_PASSWORD_FILE"  # noqa: S105 - the same
IDENTITIES = "ANSIBLE_VAULT_IDENTITY_LIST"


class VaultError(Exception):
    """An encrypted text that cannot be read: what, and what to do; the caller knows where it stands."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


class _Payload(Struct, frozen=True):
    label: str | None
    salt: bytes
    digest: bytes
    content: bytes


class Vault:
    """Decrypts with the passwords that `environ` leads to; each password and each text is worked out once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._passwords: tuple[tuple[str, bytes], ...] | None = None
        self._known: dict[str, str] = {}

    def decrypt(self, text: str) -> str:
        """What stands in the vaulted `text`; raises `VaultError`, which tells nothing of either."""
        text = text.strip()
        if text not in self._known:
            self._known[text] = self._decrypt(_payload(text))
        return self._known[text]

    def _decrypt(self, payload: _Payload) -> str:
        if self._passwords is None:
            self._passwords = tuple(_passwords(self._environ))
        if not self._passwords:
            fix = f"give the password's file: --vault-password-file FILE, or set {PASSWORD_FILE} or {PASSWORD}"
            raise VaultError("it is encrypted with Ansible Vault, and there is no password", fix=fix)
        # The password of the text's own label first, then the others, as Ansible does.
        for _, password in sorted(self._passwords, key=lambda each: each[0] != (payload.label or _DEFAULT_LABEL)):
            plain = _opened(payload, password)
            if plain is not None:
                return plain
        label = f" (its label is {payload.label!a})" if payload.label else ""
        tried = ", ".join(sorted({label for label, _ in self._passwords}))
        raise VaultError(
            f"no password opens what Ansible Vault encrypted here{label}",
            fix=f"tried: {tried}; check the password's file, or that the text is whole",
        )


def _payload(text: str) -> _Payload:
    header, *lines = text.split("\n")
    fields = header.strip().split(";")
    if len(fields) < _HEADER_FIELDS or fields[1] not in _VERSIONS or fields[2] != _CIPHER:
        fix = f"encrypt it anew with ansible-vault: read are versions {' and '.join(_VERSIONS)} with {_CIPHER}"
        raise VaultError("it is no text of Ansible Vault that can be read here", fix=fix)
    try:
        parts = unhexlify("".join(line.strip() for line in lines)).split(b"\n", 2)
        salt, digest, content = (unhexlify(part) for part in parts)
    except (HexError, ValueError):
        fix = "restore it from git, or encrypt it anew"
        raise VaultError("what Ansible Vault encrypted here is damaged", fix=fix) from None
    return _Payload(fields[3] if len(fields) > _HEADER_FIELDS else None, salt, digest, content)


def _opened(payload: _Payload, password: bytes) -> str | None:
    """The text, or None when this is not its password."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - slow to load

    derived = hashlib.pbkdf2_hmac("sha256", password, payload.salt, _ROUNDS, 2 * _KEY_BYTES + _COUNTER_BYTES)
    key, signing = derived[:_KEY_BYTES], derived[_KEY_BYTES : 2 * _KEY_BYTES]
    if not hmac.compare_digest(hmac.new(signing, payload.content, hashlib.sha256).digest(), payload.digest):
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CTR(derived[2 * _KEY_BYTES :])).decryptor()
    padded = decryptor.update(payload.content) + decryptor.finalize()
    try:
        return padded[: -padded[-1]].decode()
    except (IndexError, UnicodeDecodeError):
        raise VaultError("what Ansible Vault encrypted here is not UTF-8 text", fix="encrypt text") from None


def _passwords(environ: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Label and password of each source, in the order in which Ansible tries them."""
    found = []
    for identity in filter(None, (each.strip() for each in environ.get(IDENTITIES, "").split(","))):
        label, at, source = identity.rpartition("@")
        found.append((label if at and label else _DEFAULT_LABEL, _password_in(source)))
    if environ.get(PASSWORD_FILE):
        found.append((_DEFAULT_LABEL, _password_in(environ[PASSWORD_FILE])))
    if environ.get(PASSWORD):
        found.append((_DEFAULT_LABEL, environ[PASSWORD].encode("utf-8", "surrogateescape")))
    return found


def _password_in(source: str) -> bytes:
    path = Path(source).expanduser()
    if source in ("prompt", "prompt_ask_vault_pass"):
        raise VaultError("a vault password cannot be asked for", fix=f"put it into a file, or into {PASSWORD}")
    if path.is_file() and os.access(path, os.X_OK):
        fix = f"chmod -x it, or run it yourself: {PASSWORD}=$({path}) bqnctl ..."
        raise VaultError(f"the vault password file {path} is a program, which is not run", fix=fix)
    try:
        with path.open("rb") as file:
            password = file.read(_MAX_PASSWORD_FILE).strip()
    except OSError as error:
        what = f"the vault password file {path} cannot be read: {error.strerror}"
        raise VaultError(what, fix="see --vault-password-file and --vault-id") from error
    if not password:
        raise VaultError(f"the vault password file {path} is empty", fix="write the password into it")
    return password
