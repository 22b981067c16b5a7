"""`bqnctl render`: each source whole or not at all, and what the files become."""

from pathlib import Path
from typing import Any

import pytest


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.yml")}


@pytest.fixture
def rendered(net: Any, bqnctl: Any) -> Path:
    net.add_billing(customers=30)
    assert bqnctl("render").code == 0
    folder: Path = net.folder / "desired"
    return folder


def test_an_empty_list_keeps_the_old_files(net: Any, rendered: Path, bqnctl: Any) -> None:
    before = tree(rendered)
    net.billing["splynx"].online.clear()
    net.billing["splynx"].touch()
    ran = bqnctl("render", "--allow", "shrink=1000")
    assert ran.code == 1
    assert "stay as they were" in ran.err
    assert tree(rendered) == before


def test_a_source_that_shrank_is_refused_until_allowed(net: Any, rendered: Path, bqnctl: Any) -> None:
    before = tree(rendered)
    data = net.billing["splynx"]
    listed = len(data.online)
    gone = listed // 5 + 1  # just over max_shrink_percent 20
    del data.online[:gone]
    data.touch()
    refused = bqnctl("render")
    assert refused.code == 3
    for part in (str(listed), str(listed - gone), "max_shrink_percent", f"--allow shrink={gone}"):
        assert part in refused.err
    assert tree(rendered) == before
    assert bqnctl("render", "--allow", f"shrink={gone - 1}").code == 3
    assert bqnctl("render", "--allow", f"shrink={gone}").code == 0
    assert tree(rendered) != before


def test_a_shrink_within_the_limit_passes(net: Any, rendered: Path, bqnctl: Any) -> None:
    data = net.billing["splynx"]
    del data.online[: len(data.online) // 5]
    data.touch()
    assert bqnctl("render").code == 0


def test_one_failing_source_never_stops_the_others(net: Any, bqnctl: Any) -> None:
    net.add_billing("good", customers=5)
    net.add_billing("bad", customers=5, switches={"html-login": "1"})
    ran = bqnctl("render")
    assert ran.code == 1
    assert "good: " in ran.out
    assert "bad" in ran.err
    assert sorted(path.name for path in (net.folder / "desired").iterdir()) == ["good"]


def test_groups_stay_as_they_were_when_the_key_may_not_read_them(net: Any, bqnctl: Any) -> None:
    net.add_billing(customers=12)
    bqnctl("render")
    before = tree(net.folder / "desired")
    forbidden = net.add_billing("splynx", customers=12, switches={"forbid": "customers,sites"})
    assert forbidden.customers
    ran = bqnctl("render")
    assert ran.code == 0
    assert "L1 and L2" in ran.err
    assert tree(net.folder / "desired") == before


def test_who_is_offline_is_kept_and_listed_as_absent(net: Any, bqnctl: Any) -> None:
    data = net.add_billing(customers=30, keep_absent="48h")
    bqnctl("render")
    ip = data.online[3]["ipv4"]
    del data.online[3]
    data.touch()
    ran = bqnctl("render")
    assert "1 kept though absent" in ran.out
    files = tree(net.folder / "desired" / "splynx")
    assert ip.encode() in files["absent.yml"]
    assert f"  {ip}: ".encode() in files["subscribers/100.64.0.0_16.yml"]
    assert bqnctl("render", "--check").code == 0  # the same again changes nothing


def test_an_inventory_may_have_its_own_template(net: Any, rendered: Path, bqnctl: Any) -> None:
    templates = net.folder / "templates"
    templates.mkdir()
    own = "# ours\npolicies:\n{% for item in policies %}\n  {{ item | line }}\n{% endfor %}\n"
    (templates / "policies.yml.j2").write_text(own)
    assert bqnctl("render").code == 0
    assert (rendered / "splynx" / "policies.yml").read_text().startswith("# ours\npolicies:\n  Billing-Block: ")


@pytest.mark.parametrize(
    "template",
    [
        "policies: {{",
        "policies:\n  A: {id: no}\n",
        "{{ nothing }}",
        "{{ ''.__class__.__mro__ }}",
        "policies:\n  A: 5\n",
    ],
)
def test_a_template_that_yields_no_desired_state_writes_nothing(
    net: Any, rendered: Path, bqnctl: Any, template: str
) -> None:
    before = tree(rendered)
    (net.folder / "templates").mkdir()
    (net.folder / "templates" / "policies.yml.j2").write_text(template)
    net.billing["splynx"].new_customer()
    ran = bqnctl("render")
    assert ran.code == 1
    assert "policies.yml.j2" in ran.err
    assert tree(rendered) == before


def test_an_unpinned_self_signed_server_is_refused_with_the_pin_to_set(net: Any, bqnctl: Any) -> None:
    net.add_billing()
    del net.hosts["billing"]["hosts"]["splynx"]["tls"]
    ran = bqnctl("render")
    assert ran.code == 1
    assert net.certificate.fingerprint_sha256 in ran.err.replace(":", "").lower()


def test_verify_false_works_and_shouts(net: Any, bqnctl: Any) -> None:
    net.add_billing(tls={"verify": False})
    ran = bqnctl("render")
    assert ran.code == 0
    assert "NOT verified" in ran.err


def test_no_credential_is_ever_shown(net: Any, bqnctl: Any) -> None:
    secrets = {"api_key": "canary-key-51f0", "api_secret": "canary-secret-77aa"}
    net.add_billing(credentials=secrets)
    net.add_bqn(credentials={"username": "canary-user-9c1d", "password": "canary-password-3e2b"})
    shown = ""
    for line in (["render", "-vvv"], ["render", "-vvv", "--log-format", "json"], ["plan", "-vvv"], ["validate"]):
        ran = bqnctl(*line)
        shown += ran.out + ran.err
    assert "401" in shown
    assert "canary" not in shown
    written = b"".join(
        path.read_bytes() for path in net.folder.rglob("*") if path.is_file() and path.name != "hosts.yml"
    )
    assert b"canary" not in written


def test_tariffs_that_vanish_are_no_reason_to_drop_their_customers(net: Any, rendered: Path, bqnctl: Any) -> None:
    before = tree(rendered)
    data = net.billing["splynx"]
    kept = data.tariffs[0]
    data.tariffs[:] = [kept]
    data.touch()
    refused = bqnctl("render")
    assert refused.code == 3
    assert "max_shrink_percent" in refused.err
    assert tree(rendered) == before


def test_newly_blocked_customers_are_counted(net: Any, rendered: Path, bqnctl: Any) -> None:
    data = net.billing["splynx"]
    serving = [row for row in data.online if not row["blocked"]]
    most = len(data.online) // 10
    for row in serving[: most + 1]:
        row["blocked"] = 1
    data.touch()
    refused = bqnctl("render")
    assert refused.code == 3
    assert f"--allow block={most + 1}" in refused.err
    assert bqnctl("render", "--allow", f"block={most}").code == 3
    serving[0]["blocked"] = 0
    data.touch()
    assert bqnctl("render").code == 0
    serving[0]["blocked"] = 1
    data.touch()
    assert bqnctl("render", "--allow", "block=1").code == 0


def test_the_summary_is_a_commit_message_without_names(net: Any, bqnctl: Any, tmp_path: Path) -> None:
    data = net.add_billing()
    net.add_billing("second")
    net.add_bqn()
    assert ": changed (11 new; " in bqnctl("render").out
    data.new_customer()
    file = tmp_path / "message"
    said = bqnctl("render", "--summary", str(file), "--check")
    assert said.code == 2
    assert "would change (1 new" in said.out
    checked = file.read_text()
    net.hosts["billing"]["hosts"]["second"]["credentials"]["api_key"] = "revoked"
    assert bqnctl("render", "--summary", str(file)).code == 1
    first, _, rest = file.read_text().partition("\n")
    assert first == checked.strip()
    assert first.startswith("splynx: 1 new")
    assert rest == "\n* second: could not be read, its files are those of the last time\n"
    assert bqnctl("render", "--summary", str(tmp_path / "message" / "below")).code == 1
