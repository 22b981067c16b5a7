"""The README's transcript is what `bqnctl demo` prints; set BQNCTL_WRITE_README=1 to write it anew."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"(<!-- demo: [^\n]*-->\n```text\n)(.*?)(```\n<!-- end of demo -->)", re.DOTALL)


def transcript(folder: Path) -> str:
    """What the demo prints, with the ports that differ from run to run made equal."""
    environment = {**os.environ, "PYTHONPATH": str(README.parent), "XDG_STATE_HOME": str(folder / "state")}
    command = [sys.executable, "-m", "generator", "demo"]
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", ended.stdout).strip() + "\n"


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    printed = transcript(tmp_path)
    text = README.read_text(encoding="utf-8")
    if os.environ.get("BQNCTL_WRITE_README"):
        text = BLOCK.sub(lambda match: match[1] + printed + match[3], text)
        README.write_text(text, encoding="utf-8")
    shown = BLOCK.search(text)
    assert shown is not None
    assert shown[2] == printed
