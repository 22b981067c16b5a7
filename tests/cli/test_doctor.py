"""`bqnctl doctor` on hosts that are well, and on each way they can be ill."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Ran = Any
Net = Any


def test_a_network_that_is_well(net: Net, bqnctl: Callable[..., Ran]) -> None:
    net.add_billing(subscriber_id="name")
    net.add_bqn()
    ran = bqnctl("doctor")
    assert ran.code == 0, ran
    assert "FAIL" not in ran.out
    for text in (
        "splynx (splynx, 127.0.0.1:", "name: an address", "TCP: 127.0.0.1 port", "TLS: the pinned certificate, SHA-256",
        "ok    clock: ", " s apart", "Tariff plans → Internet: view: for example tariff 61",
        "Customers → Customers online: view: for example session", "bqn (bqn, 127.0.0.1:", "read policies:",
        "read subscribers: no subscribers", "read groups:",
    ):  # fmt: skip
        assert text in ran.out, text


def test_the_pin_it_prints_is_the_one_to_set(net: Net, bqnctl: Callable[..., Ran]) -> None:
    net.add_bqn(tls={})
    ran = bqnctl("doctor")
    assert ran.code == 1
    pin = net.certificate.fingerprint_sha256
    assert "FAIL  TLS: its certificate is not trusted" in ran.out
    assert f"`tls: {{fingerprint_sha256: {pin}}}`" in ran.out
    assert "read policies" not in ran.out  # nothing is sent to a server that is not who it should be
    net.hosts["bqn"]["hosts"]["bqn"]["tls"] = {"fingerprint_sha256": pin}
    assert bqnctl("doctor").code == 0


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"host": "no-such-host.invalid"}, ["FAIL  name: no-such-host.invalid does not resolve", "DNS"]),
        ({"port": 1}, ["FAIL  TCP: port 1: Connection refused", "firewalls"]),
        ({"tls": {"fingerprint_sha256": "0" * 64}}, ["FAIL  TLS: not the pinned certificate", "who changed it"]),
    ],
)
def test_a_way_that_is_barred_is_named_and_not_gone_further(
    net: Net, bqnctl: Callable[..., Ran], changes: dict[str, Any], texts: list[str]
) -> None:
    net.add_billing(**changes)
    net.add_bqn()
    ran = bqnctl("doctor", "--limit", "splynx")
    assert ran.code == 1
    for text in texts:
        assert text in ran.out, ran
    assert "Tariff plans" not in ran.out


def test_a_missing_permission_is_named_with_its_remedy(net: Net, bqnctl: Callable[..., Ran]) -> None:
    net.add_billing(switches={"forbid": "online"})
    net.add_bqn()
    ran = bqnctl("doctor")
    assert ran.code == 1
    assert "FAIL  Customers → Customers online: view: answered HTTP 403" in ran.out
    assert "give this key the permission `Customers → Customers online: view`" in ran.out
    assert "ok    Tariff plans" in ran.out


def test_what_only_groups_need_is_a_warning(net: Net, bqnctl: Callable[..., Ran]) -> None:
    net.add_billing(switches={"forbid": "sites"})
    net.add_bqn()
    ran = bqnctl("doctor")
    assert ran.code == 0
    assert "warn  Networking → Network sites: view" in ran.out


def test_wrong_credentials_of_an_appliance(net: Net, bqnctl: Callable[..., Ran]) -> None:
    net.add_bqn(credentials={"username": "api", "password": "wrong-canary"})
    ran = bqnctl("doctor")
    assert ran.code == 1
    assert "FAIL  read policies: the user or password is wrong (HTTP 401)" in ran.out
    assert "wrong-canary" not in ran.out + ran.err


def test_machines_get_json(net: Net, bqnctl: Callable[..., Ran]) -> None:
    net.add_billing(switches={"forbid": "tariffs"})
    net.add_bqn()
    ran = bqnctl("doctor", "--format", "json")
    assert ran.code == 1
    by_host = {each["host"]: each["probes"] for each in json.loads(ran.out)}
    assert [each["what"] for each in by_host["splynx"] if each["problem"]] == ["Tariff plans → Internet: view"]
    assert all(each["problem"] is None for each in by_host["bqn"])
