"""Pins every dependency of every supported Python with hashes; the files name no package index."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS = {
    "requirements.txt": [],
    "requirements-dev.txt": ["--extra", "dev"],
    "requirements-bench.txt": ["--extra", "dev", "--extra", "bench"],
}


def main() -> None:
    for name, extras in SETS.items():
        command = [
            sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *extras, "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links",
            "--no-annotate", "--quiet", "--custom-compile-command", "make lock", "--output-file", name,
        ]  # fmt: skip
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
