from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from generator.inventory.load import load_inventory
from generator.inventory.secret import Secret
from generator.inventory.settings import BlockRates, Guards, PlanRates, Scaling
from generator.net.tls import TlsSettings

ROOT = Path(__file__).resolve().parents[3]
PIN = "0123456789abcdef" * 4

SMALL = {
    "hosts.yml": """
billing:
  hosts:
    splynx-main: {system: splynx, host: billing.example.net, credentials: {api_key: k, api_secret: s}}
bqn:
  hosts:
    bqn-north: {host: 192.0.2.10, credentials: {username: u, password: p}}
"""
}


def billing(load: Any, **settings: str) -> Any:
    lines = "".join(f"\n      {name}: {value}" for name, value in settings.items())
    base = "      system: splynx\n      credentials: {api_key: k, api_secret: s}"
    return load({"hosts.yml": f"billing:\n  hosts:\n    one:\n{base}{lines}\n"}).billing["one"]


def bqn(load: Any, **settings: str) -> Any:
    lines = "".join(f"\n      {name}: {value}" for name, value in settings.items())
    base = "      credentials: {username: u, password: p}"
    return load({"hosts.yml": f"bqn:\n  hosts:\n    one:\n{base}{lines}\n"}).bqn["one"]


def test_a_splynx_host_gets_the_defaults_of_its_fragment(load: Any) -> None:
    host = load(SMALL).billing["splynx-main"]
    assert (host.name, host.system, host.host, host.port, host.timeout_s) == (
        "splynx-main", "splynx", "billing.example.net", 443, 60.0,
    )  # fmt: skip
    assert host.credentials == {"api_key": Secret("k"), "api_secret": Secret("s")}
    assert (host.mode, host.subscriber_id, host.block_on) == ("online", "login", "session_blocked")
    assert (host.active_statuses, host.policy_names, host.zero_rate) == (("active",), "service", "reject")
    assert (host.keep_absent_s, host.services_per_ip, host.requests_per_second) == (172_800, "first", None)
    assert (host.rate_scaling, host.block_rates) == (Scaling(), BlockRates())
    assert (host.block_inactive, host.subscriber_groups, host.dual_stack_groups) == (True, True, False)
    assert (host.ip_versions, host.ipv6_prefix, host.networks) == ((4,), 64, ())
    assert (host.plan_rates, host.equipment_categories, host.max_shrink_percent) == ({}, (1,), 20)
    assert host.tls == TlsSettings()


def test_a_bqn_gets_the_defaults_of_its_schema(load: Any) -> None:
    host = load(SMALL).bqn["bqn-north"]
    assert (host.host, host.port, host.timeout_s, host.max_connections) == ("192.0.2.10", 3443, 30.0, 4)
    assert (host.username, host.password) == (Secret("u"), Secret("p"))
    assert host.sources == ("splynx-main",)
    assert host.managed_groups == ("L1-*", "L2-*", "DS-*")
    assert host.guards == Guards()
    assert (host.prune, host.ipv6_prefix, host.group_capacity) == (True, 64, {})
    assert host.select.cidrs == host.select.groups == host.ignore.policies == host.ignore.subscribers == ()


def test_the_host_defaults_to_ansible_host_and_then_to_its_name(load: Any) -> None:
    files = {
        "hosts.yml": """
bqn:
  vars: {credentials: {username: u, password: p}}
  hosts:
    named.example.net:
    two: {ansible_host: 192.0.2.2}
    three: {ansible_host: 192.0.2.2, host: 192.0.2.3}
"""
    }
    inventory = load(files)
    assert [host.host for host in inventory.bqn.values()] == ["named.example.net", "192.0.2.2", "192.0.2.3"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("48h", 172_800), ("30m", 1800), ("2d", 172_800), ("90s", 90), ("0", 0), ("0h", 0)]
)
def test_durations_become_seconds(load: Any, text: str, seconds: int) -> None:
    assert billing(load, keep_absent=text).keep_absent_s == seconds


def test_rate_scaling_is_one_number_or_two(load: Any) -> None:
    assert billing(load, rate_scaling="95").rate_scaling == Scaling(download=95, upload=95)
    assert billing(load, rate_scaling="{download: 90}").rate_scaling == Scaling(download=90, upload=100)
    assert billing(load, rate_scaling="1").rate_scaling == Scaling(download=1, upload=1)
    assert billing(load, rate_scaling="200").rate_scaling == Scaling(download=200, upload=200)


def test_rates_networks_and_lists_become_typed(load: Any) -> None:
    host = billing(
        load,
        networks='[10.20.0.0/16, 192.0.2.7, "2001:db8::/32"]',
        plan_rates="{Home: {download: 50000, upload: 10000}}",
        block_rates="{download: 128}",
        ip_versions="[4, 6]",
        active_statuses="[active, new]",
        requests_per_second="2.5",
    )
    assert host.networks == (
        ip_network("10.20.0.0/16"),
        ip_network("192.0.2.7/32"),
        ip_network("2001:db8::/32"),
    )
    assert host.plan_rates == {"Home": PlanRates(download=50000, upload=10000)}
    assert host.block_rates == BlockRates(download=128, upload=0)
    assert (host.ip_versions, host.active_statuses, host.requests_per_second) == (
        (4, 6),
        ("active", "new"),
        2.5,
    )


def test_everything_of_a_bqn_can_be_set(load: Any) -> None:
    host = bqn(
        load,
        port="8443",
        timeout="2.5",
        select="{cidrs: [10.0.0.0/8], groups: [L1-A]}",
        ignore='{policies: ["Staff-*"], subscribers: [10.9.0.0/16], groups: ["X*"]}',
        guards="{max_delete_percent: 1, max_update_percent: 2, max_block_percent: 3, min_existing: 4,"
        " max_delete: 5, max_create: 6}",
        prune="no",
        managed_groups='["A-*"]',
        max_connections="64",
        group_capacity="{L1-A: {download: 450000, upload: 150000}}",
        ipv6_prefix="56",
    )
    assert (host.port, host.timeout_s, host.prune, host.max_connections) == (8443, 2.5, False, 64)
    assert (host.select.cidrs, host.select.groups) == ((ip_network("10.0.0.0/8"),), ("L1-A",))
    assert (host.ignore.policies, host.ignore.groups) == (("Staff-*",), ("X*",))
    assert host.ignore.subscribers == (ip_network("10.9.0.0/16"),)
    assert host.guards == Guards(
        max_delete_percent=1,
        max_update_percent=2,
        max_block_percent=3,
        min_existing=4,
        max_delete=5,
        max_create=6,
    )
    assert (host.managed_groups, host.ipv6_prefix) == (("A-*",), 56)
    assert host.group_capacity == {"L1-A": PlanRates(download=450000, upload=150000)}


@pytest.mark.parametrize("written", [PIN, PIN.upper(), ":".join(PIN[at : at + 2] for at in range(0, 64, 2)).upper()])
def test_a_pin_is_normalised(load: Any, written: str) -> None:
    assert bqn(load, tls=f'{{fingerprint_sha256: "{written}"}}').tls == TlsSettings(fingerprint_sha256=PIN)


def test_a_ca_file_counts_from_the_inventory(load: Any, write: Any, tmp_path: Path) -> None:
    write({"files/ca.pem": "x"})
    assert bqn(load, tls="{ca_file: files/ca.pem}").tls.ca_file == tmp_path / "files/ca.pem"
    assert bqn(load, tls="{verify: false}").tls == TlsSettings(verify=False)


def test_sources_keep_their_order_and_default_to_that_of_the_file(load: Any) -> None:
    files = {
        "hosts.yml": """
bqn:
  vars: {credentials: {username: u, password: p}}
  hosts: {all-of-them: , two: {sources: [b, z]}, none: {sources: []}}
billing:
  vars: {system: splynx, credentials: {api_key: k, api_secret: s}}
  hosts: {z: , a: }
  children: {more: {hosts: {b: }}}
"""
    }
    inventory = load(files)
    assert [host.sources for host in inventory.bqn.values()] == [("z", "a", "b"), ("b", "z"), ()]
    assert list(inventory.billing) == ["z", "a", "b"]


def test_hosts_in_neither_group_are_none_of_ours(load: Any) -> None:
    files = {"hosts.yml": SMALL["hosts.yml"] + "routers: {hosts: {mikrotik: {port: not a number}}}\n"}
    inventory = load(files)
    assert set(inventory.billing) | set(inventory.bqn) == {"splynx-main", "bqn-north"}
    assert inventory.groups["routers"] == ("mikrotik",)
    assert inventory.groups["all"] == ("splynx-main", "bqn-north", "mikrotik")


def test_child_groups_decide_what_a_host_is_too(load: Any) -> None:
    files = {
        "hosts.yml": """
all:
  children:
    bqn: {children: {north: {children: {tower: }}}}
    tower: {hosts: {"bqn[01:02]": {credentials: {username: u, password: p}}}}
"""
    }
    inventory = load(files)
    assert list(inventory.bqn) == ["bqn01", "bqn02"]
    assert inventory.groups["north"] == ("bqn01", "bqn02")


def test_secrets_of_a_kind_that_is_not_wanted_are_not_needed(load: Any) -> None:
    files = {
        "hosts.yml": """
billing:
  hosts:
    one: {system: splynx, credentials: {api_key: "{{ lookup('env', 'KEY') }}", api_secret: "{{ nowhere }}"}}
    two: {system: splynx, credentials: "{{ lookup('env', 'ALL') }}"}
bqn: {hosts: {north: {credentials: {username: u, password: "{{ lookup('env', 'PASSWORD') }}"}}}}
"""
    }
    inventory = load(files, credentials=frozenset({"bqn"}), PASSWORD="p")
    empty = {"api_key": Secret(""), "api_secret": Secret("")}
    assert inventory.billing["one"].credentials == inventory.billing["two"].credentials == empty
    assert inventory.bqn["north"].password == Secret("p")
    inventory = load({"hosts.yml": files["hosts.yml"]}, credentials=frozenset())
    assert inventory.bqn["north"].username == inventory.bqn["north"].password == Secret("")


def test_the_examples_appliances_have_what_their_files_say() -> None:
    environ = {"BQN_PASSWORD": "word"}
    inventory = load_inventory(ROOT / "inventories" / "example", environ=environ, credentials=frozenset({"bqn"}))
    north, south = inventory.bqn["bqn-north"], inventory.bqn["bqn-south"]
    assert north.tls.pinned
    assert south.tls.pinned
    assert (north.username, north.password) == (Secret("bqnctl"), Secret("word"))
    assert north.select.cidrs == (ip_network("10.20.0.0/16"),)
    assert south.ignore.subscribers == (ip_network("10.20.255.0/24"),)
    assert north.guards == Guards(max_delete_percent=5)
    assert inventory.billing["splynx-main"].rate_scaling == Scaling(download=105, upload=100)
