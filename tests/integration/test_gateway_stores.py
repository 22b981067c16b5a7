"""The gateway's store in PostgreSQL and MariaDB: kept over a restart, names exact, one gateway at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from generator.demo.mariadb import shared_mariadb
from generator.gateway.keep import StoreError
from generator.gateway.service import running
from generator.gateway.settings import GatewaySettings, gateway_settings
from generator.inventory.load import load_inventory
from generator.net.serve import free_port

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture(params=["mysql", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """An URL without its password, and the password."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        yield f"postgresql+psycopg://radius@127.0.0.1:{server.port}/radius", server.password
        return
    with shared_mariadb().root() as root, root.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE DATABASE bqnctl_gateway CHARACTER SET utf8mb4")
        cursor.execute("CREATE OR REPLACE USER gateway@'127.0.0.1' IDENTIFIED BY 'store-canary-pw'")
        cursor.execute("GRANT ALL ON bqnctl_gateway.* TO gateway@'127.0.0.1'")
        yield f"mysql+pymysql://gateway@127.0.0.1:{shared_mariadb().port}/bqnctl_gateway", "store-canary-pw"


def settings_of(store: tuple[str, str], folder: Path) -> GatewaySettings:
    url, password = store
    host: dict[str, Any] = {
        "system": "gestfy", "host": "127.0.0.1", "port": free_port(), "gateway": {"store": url, "metrics": {"port": 0}},
        "credentials": {"username": "api", "password": "api-pw", "store_password": password},
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    children = {"billing": {"hosts": {"source": host}}, "bqn": {"hosts": {}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
    return gateway_settings(load_inventory(folder, environ={}).billing["source"])


def ask(url: str, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(method, f"{url}/api/v1{path}", json=body, auth=("api", "api-pw"), verify=False, timeout=10)


def test_everything_is_there_again_and_names_are_exact(store: tuple[str, str], tmp_path: Path) -> None:
    settings = settings_of(store, tmp_path / "inventory")
    with running(settings) as at:
        for name in ("Home", "home", "HOME", "Дім", "h%C3%B6me", "home%20"):
            assert ask(at.url, "POST", f"/policies/rate/{name}", {"policyId": name}).status_code in (200, 201)
        assert ask(at.url, "POST", "/subscribers/10.0.0.1", {"subscriberId": "ana"}).status_code == 201
        members = [f"10.{number // 65536}.{number // 256 % 256}.{number % 256}" for number in range(20_000)]
        assert ask(at.url, "POST", "/subscriberGroups/All", {"subscriberMembers": members}).status_code == 201
        assert ask(at.url, "DELETE", "/policies/rate/HOME").status_code == 200
        before = [ask(at.url, "GET", path).json()["items"] for path in ("/policies/rate", "/subscribers")]
    with running(settings) as at:
        after = [ask(at.url, "GET", path).json()["items"] for path in ("/policies/rate", "/subscribers")]
        group = ask(at.url, "GET", "/subscriberGroups/All").json()
    key = "policyName"
    assert sorted(each[key] for each in after[0]) == sorted(each[key] for each in before[0])
    assert {"Home", "home", "Дім", "höme"} <= {each[key] for each in after[0]}
    assert after[1] == before[1]
    assert len(group["subscriberMembers"]) == 20_000


def test_one_gateway_at_a_time(store: tuple[str, str], tmp_path: Path) -> None:
    first, second = settings_of(store, tmp_path / "one"), settings_of(store, tmp_path / "two")
    with running(first), pytest.raises(StoreError, match="another gateway uses this store"):
        running(second).__enter__()
    with running(second) as at:
        assert ask(at.url, "POST", "/policies/rate/A", {}).status_code in (200, 201)


def test_a_wrong_password_is_explained_without_it(store: tuple[str, str], tmp_path: Path) -> None:
    settings = settings_of((store[0], "wrong-canary"), tmp_path / "inventory")
    with pytest.raises(StoreError) as caught:
        running(settings).__enter__()
    assert "cannot be opened" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.fix
