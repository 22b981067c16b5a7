"""One subscriber asked for by a person: by an address in any spelling, or by an id."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_interface, ip_network

from msgspec import Struct

from generator.bqn.wire import bqn_name
from generator.desired.names import clean_text


class Query(Struct, frozen=True, kw_only=True):
    """Whom the question is about: exactly one of `address` and `id` is set."""

    text: str
    address: IPv4Address | IPv6Address | None = None
    id: str | None = None

    def fits(self, ip: str | None, identity: str | None, *, ipv6_prefix: int) -> bool:
        """Whether a subscriber with this address (or network) and id is meant."""
        if self.address is None:
            return identity is not None and bqn_name(clean_text(identity)) == bqn_name(self.id or "")
        return ip is not None and self.inside(ip, ipv6_prefix=ipv6_prefix)

    def inside(self, written: str, *, ipv6_prefix: int) -> bool:
        """Whether the address lies in `written`: an address, the IPv6 prefix that one is in, or a network."""
        if self.address is None:
            return False
        try:
            network = ip_network(written.strip(), strict=False)
            if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
                return network.network_address.ipv4_mapped == self.address
            if "/" not in written and isinstance(network, IPv6Network):
                network = ip_network((int(network.network_address), ipv6_prefix), strict=False)
        except ValueError:
            return written.strip() == self.text
        return self.address.version == network.version and self.address in network


def parse_query(text: str) -> Query:
    """What a person typed: an address if it is one, else an id."""
    stripped = text.strip()
    try:
        address = ip_interface(stripped).ip
    except ValueError:
        return Query(text=stripped, id=clean_text(stripped))
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return Query(text=stripped, address=address)
