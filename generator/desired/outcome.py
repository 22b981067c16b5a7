"""Refusing a rendered state that serves far fewer customers than the one before: a fault, or a mistake.

`shrink` looks at what the billing system lists; this looks at what came of it, whatever the reason: plans that
vanished from their list, a status that everybody has since today, a wrong `networks`.
"""

from collections.abc import Mapping

from generator.errors import RefusedError
from generator.inventory.settings import BillingHost
from generator.model import DesiredState, Subscriber

FEW = 10
"""Below so many subscribers a percentage says little, so numbers rule: at most `MOST_OF_FEW`."""

MOST_OF_FEW = 3


def check_outcome(
    state: DesiredState, previous: DesiredState | None, host: BillingHost, *, allowed: Mapping[str, int]
) -> None:
    """Refuse a `state` that drops or newly blocks too many of the subscribers of the `previous` one.

    Raises `RefusedError` when more than `max_shrink_percent` of them are gone (kept absent ones aside), or more
    than `max_block_percent` are newly blocked, and more than `allowed` (`--allow shrink=N`, `--allow block=N`).
    """
    if previous is None:
        return
    were = {ip: old for ip, old in previous.subscribers.items() if ip not in previous.absent}
    now = state.subscribers.keys() - state.absent.keys()
    gone = [ip for ip in were if ip not in now]
    fewer = len(were) - len(now)
    over = fewer > 1 and fewer * 100 > len(were) * host.max_shrink_percent
    if over and fewer > allowed.get("shrink", 0):
        raise _refusal(
            host, "max_shrink_percent", f"{len(now)} subscribers where there were {len(were)}", gone, ("shrink", fewer)
        )
    blocked = [ip for ip, old in were.items() if _newly_blocked(old, state.subscribers.get(ip))]
    if _too_many(len(blocked), len(were), host.max_block_percent) and len(blocked) > allowed.get("block", 0):
        raise _refusal(
            host, "max_block_percent", f"{len(blocked)} of {len(were)} subscribers newly blocked", blocked,
            ("block", len(blocked)),
        )  # fmt: skip


def _newly_blocked(old: Subscriber, new: Subscriber | None) -> bool:
    return new is not None and new.blocked and not old.blocked


def _too_many(count: int, of: int, percent: int) -> bool:
    return count > MOST_OF_FEW if of < FEW else count * 100 > of * percent


def _refusal(host: BillingHost, rule: str, what: str, ips: list[str], allow: tuple[str, int]) -> RefusedError:
    shown = ", ".join(ips[:5]) + (" …" if len(ips) > 5 else "")  # noqa: PLR2004 - a few examples
    return RefusedError(
        f"{rule} {getattr(host, rule)}: {what}: {shown}",
        where=f"host {host.name}",
        fix=f"the files stay as they were; see rejected.yml's reasons with --allow {allow[0]}={allow[1]} --check "
        f"--diff, accept it once with that flag, or raise {rule} for {host.name}",
    )
