"""The example inventory: one host of each billing system, readable without any secret at hand."""

from pathlib import Path

from generator.inventory.load import load_inventory
from generator.inventory.shape import known_systems

EXAMPLE = Path(__file__).parents[3] / "inventories" / "example"


def test_the_example_has_one_host_of_each_system_and_two_appliances() -> None:
    inventory = load_inventory(EXAMPLE, environ={}, credentials=frozenset())
    assert sorted(host.system for host in inventory.billing.values()) == known_systems()
    assert len(inventory.bqn) == 2
    assert all(host.networks for host in inventory.billing.values())


def test_the_example_is_whole_with_its_secrets_in_the_environment() -> None:
    texts = [file.read_text(encoding="utf-8") for file in EXAMPLE.rglob("*.yml")]
    names = {part.split("'")[0] for text in texts for part in text.split("lookup('env', '")[1:]}
    inventory = load_inventory(EXAMPLE, environ=dict.fromkeys(names, "a-secret"))
    assert all(secret.reveal() for host in inventory.billing.values() for secret in host.credentials.values())
