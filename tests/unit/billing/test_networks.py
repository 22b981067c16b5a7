"""Addresses written with masks."""

import pytest

from generator.billing.networks import addresses_of


@pytest.mark.parametrize(
    ("written", "netmask", "expected"),
    [
        ("10.9.0.40", "", ("10.9.0.40",)),
        (" 10.9.0.40/32 ", "", ("10.9.0.40",)),
        ("10.9.0.40", "255.255.255.255", ("10.9.0.40",)),
        ("10.9.0.40/30", "", ("10.9.0.40", "10.9.0.41", "10.9.0.42", "10.9.0.43")),
        ("10.9.0.41", "255.255.255.254", ("10.9.0.40", "10.9.0.41")),
        ("10.9.0.41/31", "255.255.255.0", ("10.9.0.40", "10.9.0.41")),
        ("10.9.0.0/23", "", ("10.9.0.0/23",)),
        ("10.9.0.7", "255.255.0.0", ("10.9.0.7/16",)),
        ("10.9.0.7", "255.0.255.0", ("10.9.0.7/255.0.255.0",)),
        ("nonsense/29", "", ("nonsense/29",)),
        ("2001:db8::1/64", "", ("2001:db8::1/64",)),
        ("", "255.255.255.0", ("",)),
        ("", "", ("",)),
    ],
)
def test_addresses_of(written: str, netmask: str, expected: tuple[str, ...]) -> None:
    assert addresses_of(written, netmask) == expected


def test_the_largest_network_that_is_a_customers() -> None:
    assert len(addresses_of("192.0.2.9/24")) == 256
