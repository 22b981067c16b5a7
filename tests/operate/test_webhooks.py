"""Webhooks: who is told what and when, that a broken one spoils nothing, and that no address is ever shown."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.errors import DocumentError
from generator.operate.account import ApplianceAccount, RunAccount, SourceAccount, Status
from generator.operate.notices import notice_for
from generator.operate.payloads import payload
from generator.operate.settings import Topic, Webhook, load_webhooks
from generator.operate.webhooks import RETRY

Run = Callable[..., Any]
TOKEN = "very-secret-token"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another at once."""
    monkeypatch.setattr(type(RETRY), "delay_s", lambda *_: 0.0)


@pytest.fixture
def site(net: Any) -> Any:
    net.add_billing()
    net.add_bqn()
    return net


def refuse_all(net: Any) -> None:
    net.add_billing(switches={"status-always": "403"})


def test_news_only_and_well_again_once(site: Any, webhook: Any, bqnctl: Run) -> None:
    receiver = webhook()
    assert bqnctl("sync").code == 0
    assert receiver.got == [], "changed is told to whoever asks for it"
    refuse_all(site)
    for _ in range(3):
        assert bqnctl("sync").code == 1
    (told,) = receiver.got
    assert told["event"] == "failed"
    assert told["inventory"] == "inventory"
    assert told["exit_code"] == 1
    assert told["sources"][0]["status"] == "failed"
    assert "403" in told["sources"][0]["error"]
    assert told["appliances"] == [
        {"name": "bqn", "status": "ok", "error": None, "changes": {}, "pending": {}, "drift": {}}
    ]
    site.add_billing()
    for _ in range(2):
        assert bqnctl("sync").code == 0
    assert [each["event"] for each in receiver.got] == ["failed", "recovered"]
    assert receiver.got[1]["recovered"] == ["splynx"]


def test_changes_are_told_to_whoever_asks(site: Any, webhook: Any, bqnctl: Run) -> None:
    receiver = webhook(events=["changed"])
    quiet = webhook("quiet")
    bqnctl("sync")
    bqnctl("sync")
    (told,) = receiver.got
    assert told["events"] == ["changed"]
    assert told["appliances"][0]["changes"]["subscriber"] == {"create": 11}
    assert told["run"] in {file.stem for file in (site.folder / "journal").iterdir()}
    assert quiet.got == []


def test_a_refusal_is_told_with_the_guard(site: Any, webhook: Any, bqnctl: Run) -> None:
    site.hosts["bqn"]["hosts"]["bqn"]["guards"] = {"max_create": 3}
    receiver = webhook(format="slack", events=["refused"])
    assert bqnctl("sync").code == 3
    (told,) = receiver.got
    assert set(told) == {"text"}
    headline, *block = told["text"].splitlines()
    assert headline == "bqnctl inventory: sync refused by a guard"
    assert block[0] == block[-1] == "```"
    assert block[1].startswith("bqn: refused: create: 9 of 0 policies, guard max_create 3")


def test_a_failing_webhook_is_tried_again_and_spoils_no_sync(
    site: Any, webhook: Any, bqnctl: Run, metrics_of: Any, tmp_path: Path
) -> None:
    receiver = webhook(events=["changed", "failed"])
    receiver.statuses = [503, 503]
    ran = bqnctl("sync", "--metrics-file", str(tmp_path / "m"))
    assert (ran.code, ran.err) == (0, "")
    assert len(receiver.got) == 3, "two attempts failed, the third was taken"
    refuse_all(site)
    receiver.statuses = [503, 503, 503]
    ran = bqnctl("sync", "--metrics-file", str(tmp_path / "m"))
    assert ran.code == 1
    assert "warning: webhook noc: it answered 503" in ran.err
    assert metrics_of((tmp_path / "m").read_text())['webhook_failures_total{webhook="noc"}'] == 1
    assert bqnctl("sync").code == 1
    assert len(receiver.got) == 7, "what did not arrive is told after the next run"
    assert bqnctl("sync").code == 1
    assert len(receiver.got) == 7


@pytest.mark.parametrize("status", [400, 301, 307])
def test_a_refusal_or_a_redirect_is_final_and_followed_nowhere(
    site: Any, webhook: Any, bqnctl: Run, status: int
) -> None:
    receiver = webhook(events=["changed"])
    receiver.statuses = [status]
    ran = bqnctl("sync")
    assert ran.code == 0
    assert f"it answered {status}" in ran.err
    assert len(receiver.got) == 1


def test_one_that_is_gone_is_told_and_the_others_are_reached(site: Any, webhook: Any, bqnctl: Run) -> None:
    webhook("gone", events=["changed"])
    here = webhook("here", events=["changed"])
    settings = yaml.safe_load((site.folder / "notify.yml").read_text())
    settings["webhooks"]["gone"]["url"] = f"http://127.0.0.1:1/{TOKEN}"
    (site.folder / "notify.yml").write_text(yaml.safe_dump(settings))
    ran = bqnctl("sync", "-vvv", "--debug")
    assert ran.code == 0
    assert "webhook gone: nothing listens there" in ran.err
    assert len(here.got) == 1
    assert TOKEN not in ran.err + ran.out


def test_a_certificate_that_is_not_the_right_one_is_refused(
    site: Any, bqnctl: Run, certificate: Any, webhook: Any
) -> None:
    site.folder.mkdir()
    port = site.hosts["bqn"]["hosts"]["bqn"]["port"]  # an HTTPS server with a self-signed certificate

    def notify(**tls: Any) -> Any:
        hook = {"url": f"https://127.0.0.1:{port}/{TOKEN}", "events": ["changed"], "tls": tls}
        (site.folder / "notify.yml").write_text(yaml.safe_dump({"webhooks": {"noc": hook}}))
        return bqnctl("notify")

    assert "not taken: its certificate is not the right one" in notify().out
    assert "not taken: its certificate is not the right one" in notify(fingerprint_sha256="ab" * 32).out
    assert "not taken: it answered 401" in notify(fingerprint_sha256=certificate.fingerprint_sha256).out


def test_notify_sends_a_test_to_those_named(site: Any, webhook: Any, bqnctl: Run) -> None:
    one, two = webhook("one"), webhook("two", format="slack")
    ran = bqnctl("notify")
    assert (ran.code, ran.out) == (0, "one: taken\ntwo: taken\n")
    assert one.got[0]["event"] == "test"
    assert "this is a test" in two.got[0]["text"]
    two.statuses = [404]
    ran = bqnctl("notify", "two")
    assert (ran.code, ran.out) == (1, "two: not taken: it answered 404\n")
    assert len(one.got) == 1
    assert "did you mean" in bqnctl("notify", "tow").err
    assert TOKEN not in ran.out + ran.err


def test_notify_without_webhooks_is_an_error(site: Any, bqnctl: Run) -> None:
    assert "there are no webhooks" in bqnctl("notify").err


def test_an_address_comes_from_the_environment_and_is_never_shown(
    site: Any, webhook: Any, bqnctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = webhook(url="{{ lookup('env', 'NOC_WEBHOOK') }}")
    missing = bqnctl("validate")
    assert missing.code == 1
    assert "notify.yml:" in missing.err
    assert "key webhooks.noc.url: the environment variable NOC_WEBHOOK is not set" in missing.err
    assert bqnctl("sync").code == 1
    assert bqnctl("validate", "--no-credentials").code == 0
    monkeypatch.setenv("NOC_WEBHOOK", receiver.url)
    assert bqnctl("validate").code == 0
    assert bqnctl("notify").code == 0
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://example.net/{TOKEN}", f"http://example.net/{TOKEN}", f"https:///{TOKEN}", f"https://u:{TOKEN}@example.net/",
        f"https://example.net:{TOKEN}/", f"https://[{TOKEN}/", f"https://example.net/{TOKEN} x", TOKEN, "",
        f"https://example.net/{TOKEN}/é",
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_without_a_word_of_it(tmp_path: Path, url: str) -> None:
    for written in (url, "{{ lookup('env', 'NOC_WEBHOOK') }}"):
        (tmp_path / "notify.yml").write_text(yaml.safe_dump({"webhooks": {"noc": {"url": written}}}))
        with pytest.raises(DocumentError, match=r"notify\.yml:3:") as refused:
            load_webhooks(tmp_path, environ={"NOC_WEBHOOK": url})
        assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("webhooks: {noc: {url: 'https://x.example', formt: slack}}", "formt"),
        ("webhooks: {noc: {format: slack}}", "url"),
        ("webhooks: {noc: {url: 'https://x.example', events: [broken]}}", "broken"),
        ("webhooks: {'a b': {url: 'https://x.example'}}", "a b"),
        ("webhooks: {noc: {url: 'https://x.example', remind: 1 day}}", "1 day"),
        ("webhooks: {noc: {url: 'https://x.example', tls: {ca_file: no.pem}}}", "there is no file"),
        ("hooks: {}", "hooks"),
        ("webhooks: [", "not valid YAML"),
    ],
)
def test_notify_yml_is_checked_with_places(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "notify.yml").write_text(text)
    with pytest.raises(DocumentError, match=r"notify\.yml:\d+:\d+: ") as refused:
        load_webhooks(tmp_path, environ={})
    assert said in str(refused.value)


def test_a_broken_notify_yml_stops_validate_and_sync_before_anything_is_read(site: Any, bqnctl: Run) -> None:
    site.folder.mkdir()
    (site.folder / "notify.yml").write_text("webhooks: {noc: {url: 'https://x.example', formt: slack}}")
    for command in ("validate", "sync", "notify"):
        ran = bqnctl(command)
        assert ran.code == 1
        assert "notify.yml:1:44: key webhooks.noc.formt" in ran.err
    assert site.bqn["bqn"].requests == []


@pytest.mark.parametrize("text", ["", "webhooks: {}\n", "webhooks:\n"])
def test_no_webhooks_are_no_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "notify.yml").write_text(text)
    assert load_webhooks(tmp_path, environ={}) == ()


def test_the_other_ending_is_refused(tmp_path: Path, site: Any, bqnctl: Run) -> None:
    site.folder.mkdir()
    (site.folder / "notify.yaml").write_text("webhooks: {}")
    assert "rename it to notify.yml" in bqnctl("validate").err


HOSTILE = (
    "<!channel> ```\n@here \x1b[31mred\u202e & `x` [link](http://evil.example) <http://evil.example|ok>" + "x" * 900
)


def hook(**settings: Any) -> Webhook:
    from generator.inventory.secret import Secret  # noqa: PLC0415 - here only
    from generator.net.tls import TlsSettings  # noqa: PLC0415 - here only

    defaults = {
        "name": "noc", "url": Secret("x"), "format": "slack", "events": frozenset(Topic), "remind_s": 3600,
        "timeout_s": 5.0, "tls": TlsSettings(),
    }  # fmt: skip
    return Webhook(**{**defaults, **settings})


def account(at_s: float = 0.0, *, source: Status = Status.OK, error: str = "", **more: Any) -> RunAccount:
    said = error or None
    return RunAccount(
        started_s=at_s - 1, ended_s=at_s,
        sources=(SourceAccount(name="splynx", status=source, error=said),),
        appliances=(ApplianceAccount(name="bqn", status=Status.OK),), **more,
    )  # fmt: skip


@pytest.mark.parametrize("format_", ["slack", "json"])
def test_what_a_billing_system_says_can_do_nothing_in_a_message(format_: str) -> None:
    failed = account(source=Status.FAILED, error=HOSTILE)
    notice, _ = notice_for(hook(), failed, {})
    assert notice is not None
    body = payload(hook(format=format_), notice, inventory="main")
    text = body["text"]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 800
    if format_ == "slack":
        headline, fence, line, end = text.split("\n")
        assert headline == "bqnctl main: sync failed"
        assert fence == end == "```"
        assert "`" not in line
        assert "<" not in line
        assert "&lt;!channel&gt;" in line
    else:
        assert len(body["sources"][0]["error"]) <= 500
        assert not {"\x1b", "\u202e", "\n"} & set(body["sources"][0]["error"])
        assert json.loads(json.dumps(body)) == body


def test_a_message_has_so_many_lines_and_counts_the_rest() -> None:
    sources = tuple(SourceAccount(name=f"s{n}", status=Status.FAILED, error="away") for n in range(50))
    notice, _ = notice_for(hook(), RunAccount(started_s=0, ended_s=1, sources=sources), {})
    assert notice is not None
    lines = payload(hook(), notice, inventory="main")["text"].splitlines()
    assert len(lines) == 1 + 2 + 20 + 1
    assert "… and 30 more" in lines


def topics(webhook: Webhook, *runs: RunAccount) -> list[list[str]]:
    """What each run is told as, one after the other."""
    told: dict[str, float] = {}
    found = []
    for run in runs:
        notice, told = notice_for(webhook, run, told)
        found.append([] if notice is None else [str(topic) for topic in notice.topics])
    return found


def test_the_same_trouble_is_told_again_after_a_while() -> None:
    runs = [account(at, source=Status.FAILED, error=f"away {at}") for at in (0, 1800, 3599, 3600, 7000, 7200)]
    assert topics(hook(), *runs) == [["failed"], [], [], ["failed"], [], ["failed"]]
    assert topics(hook(remind_s=0), *runs) == [["failed"]] * 6


def test_a_failure_that_becomes_a_refusal_is_not_well_again() -> None:
    runs = [account(0, source=Status.FAILED), account(1, source=Status.REFUSED), account(2)]
    assert topics(hook(), *runs) == [["failed"], ["refused"], ["recovered"]]
    assert topics(hook(events=frozenset({Topic.FAILED})), *runs, account(3, source=Status.FAILED)) == [
        ["failed"], [], [], ["failed"],
    ]  # fmt: skip


def test_a_host_whose_turn_comes_later_is_neither_well_nor_news() -> None:
    runs = [account(0, source=Status.FAILED), account(1, source=Status.WAITING), account(2, source=Status.FAILED)]
    assert topics(hook(), *runs, account(3)) == [["failed"], [], [], ["recovered"]]


def test_a_run_that_never_began_says_nothing_of_hosts() -> None:
    nothing = RunAccount(started_s=0, ended_s=1, error="overrides.yml is not valid")
    assert topics(hook(), account(0, source=Status.FAILED), nothing, account(2)) == [
        ["failed"],
        ["failed"],
        ["recovered"],
    ]


def test_settings_that_cannot_be_read_are_told_until_they_can() -> None:
    broken = account(0, settings_error="hosts.yml: bad")
    assert topics(hook(), broken, broken, account(1)) == [["failed"], [], ["recovered"]]


def test_time_is_said_with_its_zone() -> None:
    notice, _ = notice_for(hook(), account(time.time(), source=Status.FAILED), {})
    assert notice is not None
    assert payload(hook(format="json"), notice, inventory="main")["time"].endswith("+00:00")
