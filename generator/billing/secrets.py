"""The credentials that a connector cannot do without."""

from generator.errors import UsageError
from generator.inventory.settings import BillingHost


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
