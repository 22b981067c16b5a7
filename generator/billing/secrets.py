"""The credentials that a connector cannot do without."""

import re

from generator.errors import UsageError
from generator.inventory.settings import BillingHost

_HEADER_TEXT = re.compile(r"[\x21-\x7e\xa1-\xff]([\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?")


def required(host: BillingHost, *names: str) -> tuple[str, ...]:
    """The credentials called `names`, revealed; raises `UsageError` for those that are missing or empty.

    The inventory sees to that where it is read for billing; this is for who makes the settings himself.
    """
    missing = [name for name in names if not host.credentials.get(name)]
    if missing:
        wanted = ", ".join(f"{name}: ..." for name in names)
        raise UsageError(
            f"credentials: {' and '.join(missing)} missing", where=f"host {host.name}",
            fix=f"set `credentials: {{{wanted}}}` in the inventory",
        )  # fmt: skip
    return tuple(host.credentials[name].reveal() for name in names)


def for_headers(host: BillingHost, product: str, *names: str) -> tuple[str, ...]:
    """As `required`, for credentials that `product` wants in HTTP headers: also raises for what fits in none."""
    values = required(host, *names)
    unfit = [name for name, value in zip(names, values, strict=True) if not _HEADER_TEXT.fullmatch(value)]
    if unfit:
        raise UsageError(
            f"credentials: {' and '.join(unfit)} cannot be sent in an HTTP header", where=f"host {host.name}",
            fix="no blanks around it, no line breaks, and only Latin letters, digits and signs: "
            f"change it in {product}",
        )  # fmt: skip
    return values
