"""`bqnctl sync --interval` as a process: it goes on, hears signals, ends settled, and heals after a kill."""

import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.bqn.server.faults import Fault, FaultKind
from generator.demo.splynx import CREDENTIALS
from generator.reconcile.lock import BusyError, held

Start = Callable[..., Any]


@pytest.fixture
def site(net: Any) -> Any:
    net.add_billing()
    net.add_bqn()
    return net


def writes(simulator: Any) -> int:
    return sum(seen.method != "GET" for seen in simulator.requests)


def wait_for_writes(simulator: Any, count: int) -> None:
    deadline = time.monotonic() + 60
    while writes(simulator) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_follows_the_billing_until_it_is_told_to_end(
    site: Any, service: Start, webhook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook(events=["changed"]).statuses = [400] * 10
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "n"))
        told.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        running = service("-vvv", "--metrics-port", "0", "--metrics-file", str(tmp_path / "m"))
        assert told.recv(100) == b"READY=1"
        running.wait("run_finished", result="ok")
        before = len(site.bqn["bqn"].store.dump()["subscribers"])
        site.billing["splynx"].new_customer()
        running.wait("appliance_synced", changes={"subscriber": {"create": 1}, "group": {"update": 2}})
        assert len(site.bqn["bqn"].store.dump()["subscribers"]) == before + 1
        url = running.out().split()[-1]
        shown = requests.get(url, timeout=10).text
        assert 'bqnctl_sync_interval_seconds{inventory="inventory"} 1.0' in shown
        assert 'bqnctl_sync_source_state{inventory="inventory",source="splynx",state="ok"} 1.0' in shown
        assert requests.get(url.replace("/metrics", "/healthz"), timeout=10).json() == {"status": "ok"}
        running.wait("webhook_failed", count=2)
        assert running.end() == 0
        assert told.recv(100) == b"STOPPING=1"
    for secret in ("very-secret-token", *CREDENTIALS.values()):
        assert secret not in running.said() + running.out()
    assert running.out().count("\n") == 1, "what a service does is in its log"
    assert running.events()[0]["event"] == "service_started"
    assert running.events()[-1]["event"] == "service_stopped"
    assert (
        'bqnctl_sync_appliance_state{appliance="bqn",inventory="inventory",state="ok"} 1.0'
        in (tmp_path / "m").read_text()
    )


def test_sigterm_while_it_reads_ends_at_once(site: Any, service: Start) -> None:
    site.add_billing(switches={"slow-ms": "120000"})
    site.hosts["billing"]["hosts"]["splynx"]["timeout"] = 300
    running = service()
    running.wait("run_started")
    assert running.end() == 0
    assert "Traceback" not in running.said()
    assert not (site.folder / "desired").exists()


def test_sigterm_while_it_writes_finishes_the_requests_under_way(site: Any, service: Start, bqnctl: Any) -> None:
    simulator = site.bqn["bqn"]
    simulator.faults.set([Fault(kind=FaultKind.LATENCY, method="WRITE", first=12, seconds=1.0)])
    running = service()
    wait_for_writes(simulator, 11)
    assert running.end() == 0
    done = writes(simulator)
    finished = running.events("run_finished")[-1]
    assert finished["interrupted"] is True
    assert finished["changes"] == done
    assert "Traceback" not in running.said()
    assert bqnctl("runs").out.split("\n")[0].split()[1:3] == ["exit", "4"]
    simulator.faults.set([])
    assert bqnctl("sync").code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0


def test_killed_while_it_writes_the_next_run_heals(site: Any, service: Start, bqnctl: Any) -> None:
    simulator = site.bqn["bqn"]
    simulator.faults.set([Fault(kind=FaultKind.STALL, method="WRITE", first=9, seconds=3600)])
    running = service()
    wait_for_writes(simulator, 8)
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    simulator.faults.set([])
    again = service()
    again.wait("run_finished", count=1 + len(again.events("run_finished")), result="ok")
    assert again.end() == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0
    assert "killed" in bqnctl("runs").out


def test_sighup_reads_the_inventory_again(site: Any, service: Start) -> None:
    running = service(interval=3600)
    running.wait("run_finished")
    other = site.add_bqn("bqn-2")
    site.write()
    running.send(signal.SIGHUP)
    running.wait("settings_read")
    assert other.requests == [], "a reload is no run"
    assert running.end() == 0


def test_a_broken_inventory_after_sighup_is_told_and_tried_again(
    site: Any, service: Start, webhook: Any, tmp_path: Path, metrics_of: Any
) -> None:
    receiver = webhook()
    running = service("--metrics-file", str(tmp_path / "m"))
    running.wait("run_finished")
    good = (site.folder / "hosts.yml").read_text()
    (site.folder / "hosts.yml").write_text("all: {children: [")
    running.send(signal.SIGHUP)
    failed = running.wait("settings_failed", count=2)
    assert "hosts.yml:" in failed["error"]
    runs = len(running.events("run_finished"))
    running.wait("run_finished", count=runs + 1, result="ok")
    assert metrics_of((tmp_path / "m").read_text())["settings_good"] == 0
    assert [each["event"] for each in receiver.got] == ["failed"]
    assert "hosts.yml" in receiver.got[0]["error"]
    other = site.add_bqn("bqn-2")
    assert good != site.write().joinpath("hosts.yml").read_text()
    running.wait("settings_read")
    wait_for_writes(other, 1)
    running.wait("appliance_synced", appliance="bqn-2")
    assert running.end() == 0
    assert [each["event"] for each in receiver.got] == ["failed", "recovered"]


def test_settings_that_are_broken_at_the_start_are_an_error(site: Any, bqnctl: Any) -> None:
    site.folder.mkdir()
    (site.folder / "notify.yml").write_text("webhooks: [")
    ran = bqnctl("sync", "--interval", "5")
    assert ran.code == 1
    assert "notify.yml:" in ran.err


def test_a_failing_source_is_asked_less_often_while_the_others_go_on(site: Any, service: Start) -> None:
    site.add_billing("bad", switches={"status-always": "403"})
    site.hosts["bqn"]["hosts"]["bqn"]["sources"] = ["splynx"]
    running = service()
    running.wait("run_finished", count=4)
    waiting = [each["waiting"] for each in running.events("run_started")]
    assert waiting[:4] == [[], [], ["bad"], []]
    assert len(running.events("source_waiting")) >= 1
    assert len(running.events("source_rendered")) >= 4
    running.send(signal.SIGHUP)
    running.wait("settings_read")
    assert running.end() == 0


def taken(stack: ExitStack, lock: Path) -> bool:
    try:
        stack.enter_context(held(lock, {}))
    except BusyError:
        return False
    return True


def test_a_run_beside_another_sync_is_left_out(site: Any, service: Start, state_folder: Path) -> None:
    running = service()
    running.wait("run_finished")
    (lock,) = state_folder.glob("inventory-*.lock")
    with ExitStack() as stack:
        deadline = time.monotonic() + 30
        while not taken(stack, lock):  # it runs just now
            assert time.monotonic() < deadline
        running.wait("run_skipped")
        began = len(running.events("run_started"))
        running.wait("run_skipped", count=2)
        assert len(running.events("run_started")) == began
    running.wait("run_finished", count=1 + len(running.events("run_finished")))
    assert running.end() == 0


def test_runs_never_overlap_and_missed_slots_are_counted(site: Any, service: Start) -> None:
    site.add_billing(switches={"slow-ms": "600"})  # some requests one after the other: longer than the interval
    site.hosts["bqn"]["hosts"]["bqn"]["tls"] = {"verify": False}
    running = service()
    running.wait("run_finished", count=2)
    assert running.events("run_started")[1]["missed"] >= 1
    assert running.said().count("bqn: its certificate is NOT verified") >= 2, "in each run"
    names = [each["event"] for each in running.events() if each["event"] in ("run_started", "run_finished")]
    assert names[:4] == ["run_started", "run_finished"] * 2
    assert running.end() == 0


def test_a_port_that_is_taken_is_an_error_at_once(site: Any, bqnctl: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ran = bqnctl("sync", "--interval", "5", "--metrics-port", str(listening.getsockname()[1]))
    assert ran.code == 1
    assert "cannot listen" in ran.err


def test_a_single_run_hears_sigterm_too(site: Any, bqnctl_process: Any) -> None:
    simulator = site.bqn["bqn"]
    simulator.faults.set([Fault(kind=FaultKind.LATENCY, method="WRITE", first=12, seconds=1.0)])
    process = bqnctl_process("sync")
    wait_for_writes(simulator, 11)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "the run was interrupted" in out
