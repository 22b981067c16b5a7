"""FreeRADIUS's database read for real: MariaDB and PostgreSQL with the tables as FreeRADIUS ships them."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from generator.billing.radius import sql
from generator.billing.read import connector_of, probe_source
from generator.demo.mariadb import shared_mariadb
from generator.desired.build import build
from generator.errors import SourceError
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, DesiredState
from generator.net.retry import RetryPolicy

QUICK = RetryPolicy(attempts=2, first_delay_s=0.01, longest_delay_s=0.01)
NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
USER, PASSWORD = "bqnctl", "radius-canary-pw"
TABLES = ("radacct", "radcheck", "radreply", "radgroupcheck", "radgroupreply", "radusergroup", "nas")
ATTRIBUTES = (
    "id {serial}, {owner} varchar(64) NOT NULL DEFAULT '', attribute varchar(64), op char(2), value varchar(253)"
)
SCHEMA = [
    """CREATE TABLE radacct (radacctid {serial}, acctsessionid varchar(64) NOT NULL, acctuniqueid varchar(32) NOT NULL,
       username varchar(64), groupname varchar(64), realm varchar(64), nasipaddress {inet} NOT NULL,
       nasportid varchar(32), nasporttype varchar(32), acctstarttime {time} NULL, acctupdatetime {time} NULL,
       acctstoptime {time} NULL, acctinterval bigint, acctsessiontime bigint, calledstationid varchar(50),
       callingstationid varchar(50), acctterminatecause varchar(32), framedipaddress {inet_or_null},
       framedipv6address varchar(45), class varchar(64))""",
    f"CREATE TABLE radcheck ({ATTRIBUTES.replace('{owner}', 'username')})",
    f"CREATE TABLE radreply ({ATTRIBUTES.replace('{owner}', 'username')})",
    f"CREATE TABLE radgroupcheck ({ATTRIBUTES.replace('{owner}', 'groupname')})",
    f"CREATE TABLE radgroupreply ({ATTRIBUTES.replace('{owner}', 'groupname')})",
    "CREATE TABLE radusergroup (id {serial}, username varchar(64), groupname varchar(64), priority integer DEFAULT 1)",
    "CREATE TABLE nas (id {serial}, nasname varchar(128), shortname varchar(32), secret varchar(60))",
]
TYPES = {
    "mysql": {"serial": "bigint AUTO_INCREMENT PRIMARY KEY", "inet": "varchar(15)", "inet_or_null": "varchar(15)",
              "time": "datetime"},
    "postgresql": {"serial": "bigserial PRIMARY KEY", "inet": "inet", "inet_or_null": "inet", "time": "timestamptz"},
}  # fmt: skip


class FreeRadius:
    """A database with FreeRADIUS's tables, and a user who may read what is needed and nothing else."""

    def __init__(self, dialect: str, port: int, execute: Callable[..., Any], folder: Path) -> None:
        self.dialect, self.port, self.folder = dialect, port, folder
        self.execute = execute
        self.now: dt.datetime = execute("SELECT now()")[0][0]

    def insert(self, table: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            places = ", ".join(["%s"] * len(row))
            self.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", list(row.values()))

    def session(self, user: str, ip: str | None, *, ago_h: float = 1, **more: Any) -> None:
        began = self.now - dt.timedelta(hours=ago_h)
        row = {"acctsessionid": f"s-{user}-{ago_h}", "acctuniqueid": "u", "username": user, "nasipaddress": "192.0.2.1",
               "acctstarttime": began, "acctupdatetime": self.now, "framedipaddress": ip}  # fmt: skip
        self.insert("radacct", {**row, **more})

    def reply(self, user: str, attribute: str, value: str, op: str = ":=", *, table: str = "radreply") -> None:
        owner = "groupname" if "group" in table else "username"
        self.insert(table, {owner: user, "attribute": attribute, "op": op, "value": value})

    def host(self, **variables: Any) -> BillingHost:
        settings = {"dialect": self.dialect, "port": self.port, **variables.pop("sql", {})}
        database = "radius" if self.dialect == "postgresql" else "bqnctl_freeradius"
        host = {"system": "microwisp", "mode": "sql", "host": "127.0.0.1", "timeout": 10,
                "credentials": {"username": USER, "password": PASSWORD}, "keep_absent": 0,
                "sql": {"database": database, **settings}, **variables}  # fmt: skip
        hosts = {"billing": {"hosts": {"radius": host}}, "bqn": {"hosts": {}}}
        self.folder.mkdir(exist_ok=True)
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
        return load_inventory(self.folder, environ={}).billing["radius"]

    def read(self, **variables: Any) -> BillingAnswer:
        host = self.host(**variables)
        return connector_of(host).read(host, retry=QUICK)

    def state(self, **variables: Any) -> DesiredState:
        host = self.host(**variables)
        return build(connector_of(host).read(host, retry=QUICK), host, previous=None, now=NOW).state


def mysql(folder: Path) -> Iterator[FreeRadius]:
    with shared_mariadb().root() as root, root.cursor() as cursor:

        def execute(statement: str, values: Any = None) -> Any:
            cursor.execute(statement, values)
            return cursor.fetchall()

        execute("DROP DATABASE IF EXISTS bqnctl_freeradius")
        execute("CREATE DATABASE bqnctl_freeradius CHARACTER SET utf8mb4")
        execute("USE bqnctl_freeradius")
        execute("SET sql_mode = ''")
        execute(f"CREATE OR REPLACE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'")
        for statement in SCHEMA:
            execute(statement.format(**TYPES["mysql"]))
        for table in ("radacct", "radcheck", "radreply", "radgroupreply", "radusergroup"):
            execute(f"GRANT SELECT ON bqnctl_freeradius.{table} TO {USER}@'127.0.0.1'")
        execute(f"GRANT SELECT (nasname, shortname) ON bqnctl_freeradius.nas TO {USER}@'127.0.0.1'")
        yield FreeRadius("mysql", shared_mariadb().port, execute, folder)


def on_postgresql(server: Any, folder: Path) -> Iterator[FreeRadius]:
    where = f"host=127.0.0.1 port={server.port} user=radius password=radius-pw dbname=radius"
    with psycopg.connect(where, autocommit=True) as connection, psycopg.connect(server.owner, autocommit=True) as owner:

        def execute(statement: str, values: Any = None) -> Any:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

        for table in TABLES:
            execute(f"DROP TABLE IF EXISTS {table}")
        if not owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [USER]).fetchall():
            owner.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        for statement in SCHEMA:
            execute(statement.format(**TYPES["postgresql"]))
        execute(f"GRANT SELECT ON radacct, radcheck, radreply, radgroupreply, radusergroup TO {USER}")
        execute(f"GRANT SELECT (nasname, shortname) ON nas TO {USER}")
        yield FreeRadius("postgresql", server.port, execute, folder)


@pytest.fixture(params=["mysql", "postgresql"])
def radius(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FreeRadius]:
    if request.param == "mysql":
        yield from mysql(tmp_path / "inventory")
    else:
        yield from on_postgresql(request.getfixturevalue("postgresql"), tmp_path / "inventory")


def test_open_fresh_sessions_with_rates_of_users_and_groups(radius: FreeRadius) -> None:
    radius.session("ana", "10.0.0.1", callingstationid="02:11:00:00:00:01", nasportid="ether1")
    radius.session("bo", "10.0.0.2")
    radius.session("eva", "10.0.0.3")
    radius.session("gone", "10.0.0.4", acctstoptime=radius.now)
    radius.session("nobody", None)
    radius.reply("ana", "Mikrotik-Rate-Limit", "5M/25M 8M/40M 4M/20M 15/15")
    radius.insert("radusergroup", {"username": "bo", "groupname": "gold", "priority": 2},
                  {"username": "bo", "groupname": "empty", "priority": 1},
                  {"username": "eva", "groupname": "list", "priority": 1})  # fmt: skip
    radius.reply("gold", "Mikrotik-Rate-Limit", "10M/50M", table="radgroupreply")
    radius.reply("list", "Mikrotik-Address-List", "Plan Oro", table="radgroupreply")
    radius.insert("nas", {"nasname": "192.0.2.1", "shortname": "Cerro Alto", "secret": "not-to-be-read"})
    state = radius.state()
    assert {ip: (each.id, each.policy, each.groups) for ip, each in state.subscribers.items()} == {
        "10.0.0.1": ("ana", "25000-40000-15-20000_5000-8000-15-4000", ("L2-Cerro_Alto",)),
        "10.0.0.2": ("bo", "50000_10000", ("L2-Cerro_Alto",)),
        "10.0.0.3": ("eva", "Plan_Oro", ("L2-Cerro_Alto",)),
    }
    assert state.policies["Plan_Oro"].static
    assert state.policies["50000_10000"].upload.rate == 10000
    assert state.rejected == ()


@pytest.mark.parametrize(
    ("choice", "identity"),
    [("user_name", "ana"), ("calling_station_id", "02:11:00:00:00:01"), ("class", "gold"), ("nas_port_id", "ether1")],
)
def test_each_subscriber_id(radius: FreeRadius, choice: str, identity: str) -> None:
    more: dict[str, Any] = {"callingstationid": "02:11:00:00:00:01", "nasportid": "ether1", "class": "gold"}
    radius.session("ana", "10.0.0.1", **more)
    radius.reply("ana", "Mikrotik-Rate-Limit", "1M")
    assert radius.state(subscriber_id=choice).subscribers["10.0.0.1"].id == identity


def test_stale_sessions_are_left_out_and_the_newest_has_the_address(radius: FreeRadius) -> None:
    old = radius.now - dt.timedelta(hours=30)
    radius.session("crashed", "10.0.0.1", ago_h=50, acctupdatetime=old)
    radius.session("never-updated", "10.0.0.2", ago_h=40, acctupdatetime=None)
    radius.session("ana", "10.0.0.3", ago_h=10)
    radius.session("bo", "10.0.0.3", ago_h=2)
    for user in ("crashed", "never-updated", "ana", "bo"):
        radius.reply(user, "Mikrotik-Rate-Limit", "1M/2M")
    answer = radius.read()
    assert answer.warnings == ("open sessions not updated for 24h, left out: 2",)
    state = radius.state()
    assert {ip: each.id for ip, each in state.subscribers.items()} == {"10.0.0.3": "bo"}
    assert [(each.id, each.kept) for each in state.rejected] == [("ana", "session s-bo-2")]
    assert len(radius.state(sql={"fresh": "72h"}).subscribers) == 3


def test_users_with_an_address_of_their_own_need_no_session(radius: FreeRadius) -> None:
    radius.reply("fixed", "Framed-IP-Address", "10.0.0.9")
    radius.reply("fixed", "Mikrotik-Rate-Limit", "3M/4M")
    radius.reply("online", "Framed-IP-Address", "10.0.0.8")
    radius.reply("online", "Mikrotik-Rate-Limit", "3M/4M")
    radius.reply("any", "Framed-IP-Address", "255.255.255.254")
    radius.session("online", "10.0.0.8")
    state = radius.state()
    assert {ip: (each.id, each.groups) for ip, each in state.subscribers.items()} == {
        "10.0.0.8": ("online", ("L2-192.0.2.1",)), "10.0.0.9": ("fixed", ()),
    }  # fmt: skip
    assert state.rejected == ()


def test_operators_and_fall_through(radius: FreeRadius) -> None:
    for user in ("set", "kept", "stopped"):
        radius.session(user, f"10.0.0.{len(user)}")
        radius.insert("radusergroup", {"username": user, "groupname": "gold"})
    radius.reply("gold", "Mikrotik-Rate-Limit", "9M/9M", table="radgroupreply")
    radius.reply("set", "Mikrotik-Rate-Limit", "1M/1M", "=")
    radius.reply("set", "Mikrotik-Rate-Limit", "2M/2M", ":=")
    radius.reply("kept", "Mikrotik-Rate-Limit", "3M/3M", "=")
    radius.reply("kept", "Mikrotik-Rate-Limit", "4M/4M", "=")
    radius.reply("stopped", "Fall-Through", "No")
    state = radius.state()
    assert {each.id: each.policy for each in state.subscribers.values()} == {"set": "2000_2000", "kept": "3000_3000"}
    assert [(each.id, each.reason) for each in state.rejected] == [("stopped", "it has no plan")]


def test_who_is_blocked(radius: FreeRadius) -> None:
    for number, user in enumerate(("rejected", "cut", "listed", "good"), 1):
        radius.session(user, f"10.0.0.{number}")
    for user in ("rejected", "good"):
        radius.reply(user, "Mikrotik-Rate-Limit", "1M/2M")
    radius.reply("listed", "Mikrotik-Address-List", "morosos")
    radius.insert("radcheck", {"username": "rejected", "attribute": "Auth-Type", "op": ":=", "value": "Reject"})
    radius.insert("radusergroup", {"username": "cut", "groupname": "corte"})
    options = {"sql": {"blocked_groups": ["cort*"]}, "blocked_policies": ["morosos"]}
    state = radius.state(**options)
    assert {each.id: (each.policy, each.blocked, each.reason) for each in state.subscribers.values()} == {
        "rejected": ("2000_1000", True, "status Auth-Type Reject"), "cut": (None, True, "status group corte"),
        "listed": (None, True, "status morosos"), "good": ("2000_1000", False, None),
    }  # fmt: skip
    unblocked = radius.state(block_inactive=False, **options)
    assert not any(each.blocked for each in unblocked.subscribers.values())


def test_user_names_in_other_case(radius: FreeRadius) -> None:
    radius.session("ANA", "10.0.0.1")
    radius.reply("ana", "Mikrotik-Rate-Limit", "1M/2M")
    found = radius.state().subscribers
    assert len(found) == (1 if radius.dialect == "mysql" else 0)


def test_bad_rates_are_told_and_the_next_attribute_counts(radius: FreeRadius) -> None:
    radius.session("ana", "10.0.0.1")
    radius.reply("ana", "Mikrotik-Rate-Limit", "fast")
    radius.reply("ana", "WISPr-Bandwidth-Max-Down", "8000000")
    radius.reply("ana", "WISPr-Bandwidth-Max-Up", "1000000")
    answer = radius.read()
    assert [line.split(":")[0] for line in answer.warnings] == ["Mikrotik-Rate-Limit"]
    assert "for example user ana" in answer.warnings[0]
    assert radius.state().subscribers["10.0.0.1"].policy == "8000_1000"


def test_the_routers_names_may_be_kept_from_us(radius: FreeRadius) -> None:
    radius.session("ana", "10.0.0.1")
    radius.reply("ana", "Mikrotik-Rate-Limit", "1M")
    radius.execute(
        f"REVOKE SELECT (nasname, shortname) ON bqnctl_freeradius.nas FROM {USER}@'127.0.0.1'"
        if radius.dialect == "mysql" else f"REVOKE SELECT (nasname, shortname) ON nas FROM {USER}"
    )  # fmt: skip
    answer = radius.read()
    assert answer.unread_groups == {"L2"}
    assert "nas may not be read" in answer.warnings[0]
    by_address = radius.state(radius={"group_attribute": "nas_ip_address"})
    assert by_address.subscribers["10.0.0.1"].groups == ("L2-192.0.2.1",)


def test_an_old_schema_with_capitals_and_fewer_columns(radius: FreeRadius) -> None:
    if radius.dialect == "postgresql":
        radius.execute("ALTER TABLE radacct DROP COLUMN acctupdatetime")
        radius.execute("ALTER TABLE radacct DROP COLUMN class")
        radius.execute('ALTER TABLE radreply RENAME COLUMN username TO "UserName"')
        radius.execute('ALTER TABLE radreply RENAME COLUMN "UserName" TO "UserNAME"')
        radius.execute('ALTER TABLE radreply RENAME COLUMN "UserNAME" TO username')
        radius.execute('ALTER TABLE radacct RENAME COLUMN acctstarttime TO "AcctStartTime"')
        radius.execute("INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, framedipaddress, "
                       "\"AcctStartTime\") VALUES ('1', '1', 'ana', '192.0.2.1', '10.0.0.1', now())")  # fmt: skip
    else:
        radius.execute(
            "ALTER TABLE radacct DROP COLUMN acctupdatetime, DROP COLUMN class, "
            "CHANGE username UserName varchar(64), CHANGE acctstoptime AcctStopTime datetime NOT NULL"
        )  # fmt: skip
        radius.execute("INSERT INTO radacct (acctsessionid, acctuniqueid, UserName, nasipaddress, framedipaddress, "
                       "acctstarttime, AcctStopTime) VALUES ('1', '1', 'ana', '192.0.2.1', '10.0.0.1', now(), "
                       "'0000-00-00 00:00:00')")  # fmt: skip
    radius.reply("ana", "Mikrotik-Rate-Limit", "1M")
    assert radius.state().subscribers["10.0.0.1"].id == "ana"


def test_what_cannot_be_read_is_explained_without_the_password(radius: FreeRadius) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"credentials": {"username": USER, "password": "wrong-canary"}}, "check credentials"),
        ({"sql": {"port": 1}}, "after 2 attempts"),
        ({"sql": {"database": "nothing_here"}}, "nothing_here"),
    ]
    for variables, said in cases:
        with pytest.raises(SourceError) as caught:
            radius.read(**variables)
        assert said in str(caught.value)
        assert "canary" not in str(caught.value)
        assert caught.value.fix
    who = f"{USER}@'127.0.0.1'" if radius.dialect == "mysql" else USER
    radius.execute(f"REVOKE SELECT ON radreply FROM {who}")
    with pytest.raises(SourceError, match="radreply"):
        radius.read()
    radius.execute("DROP TABLE radcheck")
    with pytest.raises(SourceError):
        radius.read()


def test_doctor_tries_each_table(radius: FreeRadius) -> None:
    radius.session("ana", "10.0.0.1")
    steps = list(sql.probe(radius.host(), retry=QUICK))
    assert [step.problem for step in steps] == [None] * 6
    assert "for example ana" in steps[0].detail
    wrong = list(probe_source(radius.host(credentials={"username": USER, "password": "wrong-canary"})))
    assert any(step.problem and step.fix for step in wrong)
    assert "canary" not in repr(wrong)


def test_a_large_database_is_read_in_a_few_queries(radius: FreeRadius) -> None:
    rows = 3000
    columns = "acctsessionid, acctuniqueid, username, nasipaddress, framedipaddress, acctstarttime, acctupdatetime"
    if radius.dialect == "mysql":
        sessions = (
            "seq, seq, concat('u', seq), '192.0.2.1', concat('10.0.', seq DIV 250, '.', seq MOD 250), now(), now() "
            f"FROM seq_1_to_{rows}"
        )
        replies = f"concat('u', seq), 'Mikrotik-Rate-Limit', ':=', concat(seq MOD 9 + 1, 'M') FROM seq_1_to_{rows}"
    else:
        sessions = (
            "n::text, n::text, 'u' || n, '192.0.2.1', ('10.0.' || n / 250 || '.' || n % 250)::inet, now(), now() "
            f"FROM generate_series(1, {rows}) n"
        )
        replies = f"'u' || n, 'Mikrotik-Rate-Limit', ':=', (n % 9 + 1) || 'M' FROM generate_series(1, {rows}) n"
    radius.execute(f"INSERT INTO radacct ({columns}) SELECT {sessions}")
    radius.execute(f"INSERT INTO radreply (username, attribute, op, value) SELECT {replies}")
    state = radius.state()
    assert len(state.subscribers) == rows
    assert len(state.policies) == 10
