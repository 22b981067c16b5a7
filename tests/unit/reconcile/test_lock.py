"""One writer at a time per appliance, and no lock left behind by the dead."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from generator.errors import ApplianceError
from generator.reconcile.lock import appliance_lock

HOLDER = """
import os, sys, time
from generator.reconcile.lock import appliance_lock
with appliance_lock("192.0.2.1:3443", os.environ):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(state: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(state), "CI_JOB_URL": "https://ci.example/job/7"}
    process = subprocess.Popen([sys.executable, "-c", HOLDER], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_refused_and_told_whose_lock_it_is(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with (
            pytest.raises(ApplianceError, match="another run is writing") as caught,
            appliance_lock("192.0.2.1:3443", {"XDG_STATE_HOME": str(tmp_path)}),
        ):
            pytest.fail("two writers at once")
        assert f"pid {process.pid}" in str(caught.value)
        assert "https://ci.example/job/7" in str(caught.value)
        with appliance_lock("192.0.2.2:3443", {"XDG_STATE_HOME": str(tmp_path)}):
            pass  # another appliance is free
    finally:
        process.kill()
        process.communicate()


def test_the_lock_of_a_killed_owner_is_free(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with appliance_lock("192.0.2.1:3443", {"XDG_STATE_HOME": str(tmp_path)}):
        pass


def test_a_name_and_the_address_it_stands_for_are_one_appliance(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    with (
        appliance_lock("localhost:3443", environ),
        pytest.raises(ApplianceError, match="another run is writing"),
        appliance_lock("127.0.0.1:3443", environ),
    ):
        pytest.fail("two writers at once")
    with appliance_lock("no-such-name.invalid:3443", environ), appliance_lock("[2001:db8::1]:3443", environ):
        pass
