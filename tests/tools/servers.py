"""Installs the servers and programs that the tests start, where it may; says exactly what is missing where not.

Nothing is configured, and no server of the system is used: each test runs its own, with its data in a
temporary folder.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
    "sshd": "openssh-server",
    "radclient": "freeradius-utils",
    "curl": "curl",
    "chromium": "chromium",
    "initdb": "postgresql",
    "setpriv": "util-linux",
    "ssh-keygen": "openssh-client",
    "git": "git",
    "systemd-analyze": "systemd",
    "zsh": "zsh",
    "fish": "fish",
}


def path() -> str:
    """Where programs are, those that Debian keeps out of PATH too."""
    own = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return ":".join([*own, *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])


def missing() -> dict[str, str]:
    return {program: package for program, package in PROGRAMS.items() if shutil.which(program, path=path()) is None}


def root_command() -> list[str] | None:
    """How to become root without asking anybody; None where that cannot be."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def install(packages: list[str]) -> None:
    become = root_command()
    if become is None or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        print("apt-get", *command)
        subprocess.run([*become, "apt-get", *command], stdin=subprocess.DEVNULL, env=environment, check=False)


def main() -> int:
    if missing():
        install(sorted(set(missing().values())))
    absent = missing()
    for program, package in absent.items():
        print(f"{program} is missing: the tests start it; install Debian's {package}", file=sys.stderr)
    if absent:
        print(f"for example: sudo apt-get install {' '.join(sorted(set(absent.values())))}", file=sys.stderr)
    return 1 if absent else 0


if __name__ == "__main__":
    raise SystemExit(main())
