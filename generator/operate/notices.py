"""What a webhook is told of a run: news only, so that an hour of trouble is one message and not sixty."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from generator.operate.account import RunAccount, Status
from generator.operate.settings import Topic, Webhook

_RUN = "the run"
_SETTINGS = "the settings"
_TROUBLE = {Status.FAILED: Topic.FAILED, Status.PARTIAL: Topic.FAILED, Status.REFUSED: Topic.REFUSED}


class Trouble(Struct, frozen=True):
    """Something that is wrong with `who`: a host, the run as a whole, or the settings."""

    who: str
    topic: Topic
    error: str

    @property
    def key(self) -> str:
        """What makes it the same trouble in the next run, however its words differ."""
        return f"{self.topic} {self.who}"


class Notice(Struct, frozen=True, kw_only=True):
    """One message: why it is sent, all that is wrong now, and who is well again."""

    topics: tuple[Topic, ...]
    troubles: tuple[Trouble, ...]
    recovered: tuple[str, ...]
    account: RunAccount


def troubles_of(account: RunAccount) -> Iterator[Trouble]:
    """Everything that is wrong after a run; hosts whose turn comes later are in the trouble they were in."""
    if account.settings_error:
        yield Trouble(_SETTINGS, Topic.FAILED, account.settings_error)
    if account.error:
        yield Trouble(_RUN, Topic.FAILED, account.error)
    for host in account.hosts:
        if host.status in _TROUBLE:
            yield Trouble(host.name, _TROUBLE[host.status], host.error or "")


def notice_for(
    webhook: Webhook, account: RunAccount, told: Mapping[str, float]
) -> tuple[Notice | None, dict[str, float]]:
    """What `webhook` is to be told after a run (None: nothing new), and what it knows once it has taken it.

    `told` is when it was told of which trouble (`Trouble.key`), in seconds since 1970.
    """
    now = account.ended_s
    everything = tuple(troubles_of(account))
    troubles = tuple(each for each in everything if each.topic in webhook.events)
    news = {each.key: each for each in troubles if each.key not in told or now - told[each.key] >= webhook.remind_s}
    over = told.keys() - {each.key for each in troubles} - _unknown(account, told)
    recovered = sorted({key.partition(" ")[2] for key in over} - {each.who for each in everything})
    topics = {each.topic for each in news.values()}
    topics |= {Topic.RECOVERED} if recovered else set()
    topics |= {Topic.CHANGED} if account.changes else set()
    knows = {key: when for key, when in told.items() if key not in over} | dict.fromkeys(news, now)
    wanted = tuple(topic for topic in Topic if topic in topics & webhook.events)
    if not wanted:
        return None, knows
    return Notice(topics=wanted, troubles=troubles, recovered=tuple(recovered), account=account), knows


def _unknown(account: RunAccount, told: Mapping[str, float]) -> set[str]:
    """Troubles of which this run says nothing: a host that was left out, or all of them if it never began."""
    tried = {each.name for each in account.hosts if each.status is not Status.WAITING}
    tried.add(_SETTINGS)
    if account.error is None:
        tried.add(_RUN)
    return {key for key in told if key.partition(" ")[2] not in tried}
