"""The page of Splynx cannot fall behind the code."""

from pathlib import Path

from generator.billing.splynx.lists import CUSTOMERS, ONLINE, SERVICES, SITES, TARIFFS
from generator.demo.splynx import CREDENTIALS, DEFAULT_PORT, SWITCHES

PAGE = (Path(__file__).parents[3] / "docs" / "billing" / "splynx.md").read_text(encoding="utf-8")


def test_every_permission_list_and_switch_is_on_the_page() -> None:
    for listing in (TARIFFS, ONLINE, CUSTOMERS, SITES, SERVICES):
        assert f"| {listing.permission} | `{listing.path}` |" in PAGE
    for name in (*SWITCHES, *CREDENTIALS.values()):
        assert f"`{name}`" in PAGE
    assert f"port {DEFAULT_PORT}" in PAGE
