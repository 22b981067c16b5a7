"""With the schemas that bqnctl writes, the real yaml-language-server marks mistakes and shows descriptions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from generator.cli.main import main

BIN = Path(sys.executable).parent
SERVER = BIN.parent / "editor" / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
OVERRIDES = """\
overrides:
  a:
    reasn: misspelt
    until: "2030-01-01"
    match: {id: ana}
    set: {blocked: true}
"""
POLICIES = """\
policies:
  Home: {download: {rate: fast}, upload: {rate: 1000}}
"""


class Editor:
    """The side of the Language Server Protocol that an editor has, as far as this test needs it."""

    def __init__(self, folder: Path, schemas: dict[str, str]) -> None:
        self._settings = {
            "yaml": {"schemas": schemas, "validate": True, "hover": True, "schemaStore": {"enable": False}}
        }
        self._server = subprocess.Popen(
            [BIN / "node", SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._count = 0
        self.diagnostics: dict[str, list[str]] = {}
        capabilities = {"textDocument": {"publishDiagnostics": {}}, "workspace": {"configuration": True}}
        self.ask("initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": capabilities})
        self._tell({"method": "initialized", "params": {}})
        self._tell({"method": "workspace/didChangeConfiguration", "params": {"settings": self._settings}})

    def open(self, file: Path) -> list[str]:
        """Open a file; the messages of its mistakes, when there are any."""
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": file.read_text(encoding="utf-8")}
        self._tell({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while not self.diagnostics.get(file.as_uri()):
            self._heard()
        return self.diagnostics[file.as_uri()]

    def hover(self, file: Path, line: int, character: int) -> str:
        position = {"line": line, "character": character}
        found = self.ask("textDocument/hover", {"textDocument": {"uri": file.as_uri()}, "position": position})
        return str(found["contents"]["value"])

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        self._tell({"id": self._count, "method": method, "params": params})
        while True:
            message = self._heard()
            if message.get("id") == self._count and "method" not in message:
                return message["result"]

    def close(self) -> None:
        self._server.kill()
        self._server.communicate()

    def _tell(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._server.stdin is not None
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._server.stdin.flush()

    def _heard(self) -> dict[str, Any]:
        """The next message; questions of the server are answered on the way."""
        assert self._server.stdout is not None
        length = 0
        while line := self._server.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._server.stdout.read(length))
        if message.get("method") == "workspace/configuration":
            items = message["params"]["items"]
            self._tell({"id": message["id"], "result": [self._settings.get(item.get("section"), {}) for item in items]})
        elif "id" in message and "method" in message:
            self._tell({"id": message["id"], "result": None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            found = [each["message"] for each in message["params"]["diagnostics"]]
            self.diagnostics[message["params"]["uri"]] = found
        return message


def test_the_language_server_with_our_schemas(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    schemas = tmp_path / ".bqnctl" / "schemas"
    assert main(["schema", "--all", str(schemas)]) == 0
    capfd.readouterr()
    overrides, policies = tmp_path / "overrides.yml", tmp_path / "policies.yml"
    overrides.write_text(OVERRIDES, encoding="utf-8")
    policies.write_text(POLICIES, encoding="utf-8")
    editor = Editor(
        tmp_path,
        {
            (schemas / "overrides.schema.json").as_uri(): "overrides.yml",
            (schemas / "desired-policies.schema.json").as_uri(): "policies.yml",
        },
    )
    try:
        assert "Property reasn is not allowed." in editor.open(overrides)
        assert "The last day it holds" in editor.hover(overrides, 3, 6)
        assert editor.open(policies)
        assert "Rate in kbps" in editor.hover(policies, 1, 21)
    finally:
        editor.close()
