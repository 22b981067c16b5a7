"""Addresses that billing systems write with a mask: one address, a small network, or neither."""

import ipaddress

SMALLEST_PREFIX = 24
"""A shorter prefix is no customer's: it would be a slip of the pen that provisions thousands."""

_ONE = 32


def addresses_of(written: str, netmask: str = "") -> tuple[str, ...]:
    """The IPv4 addresses of `written`, with its own `/n` or else the dotted `netmask`.

    Networks of /24 to /31 give every address in them. All else (no mask, IPv6, no address at all, a shorter
    prefix, a mask that is none) is returned as it is written, for the rules of addresses to accept or refuse
    with their reasons; a refused netmask is written behind it, so that the reason shows it.
    """
    text, _, own = written.strip().partition("/")
    length = own or netmask.strip()
    if not text or not length or ":" in text:
        return (written.strip(),)
    try:
        network = ipaddress.IPv4Interface(f"{text}/{length}").network
    except ValueError:
        return (f"{text}/{length}",)
    if network.prefixlen == _ONE:
        return (text,)
    if network.prefixlen < SMALLEST_PREFIX:
        return (f"{text}/{network.prefixlen}",)
    return tuple(str(address) for address in network)
