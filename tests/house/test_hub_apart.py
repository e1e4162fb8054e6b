"""`binder-at-home hub`: the Hub as a process of its own, as on a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.up.apart import TOKEN, HubApart


def command(tmp_path: Path, *arguments: str, **settings: dict[str, object]) -> HubApart:
    file = tmp_path / "hub.json"
    file.write_text(json.dumps(settings))
    made = HubApart()
    common = ["--engine=local", f"--data-dir={tmp_path / 'data'}", f"-f={file}"]
    made.initialize([*common, *arguments])
    return made


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "t" * 32)


def test_it_starts_neither_proxy_nor_service(tmp_path: Path) -> None:
    c = command(tmp_path, "--service-url=http://binder:8003").compose()
    assert c.ConfigurableHTTPProxy.should_start is False
    [service] = c.JupyterHub.services
    assert service["url"] == "http://binder:8003" and service["api_token"] == "t" * 32
    assert "command" not in service


def test_servers_outlive_it(tmp_path: Path) -> None:
    c = command(tmp_path, "--service-url=http://binder:8003").compose()
    assert c.JupyterHub.cleanup_servers is False


def test_settings_are_the_administrators(tmp_path: Path) -> None:
    theirs = {"services": [{"name": "culler"}], "db_url": "sqlite:////srv/hub.sqlite"}
    c = command(tmp_path, "--service-url=http://binder:8003", JupyterHub=theirs).compose()
    assert c.JupyterHub.db_url == "sqlite:////srv/hub.sqlite"
    assert {service["name"] for service in c.JupyterHub.services} == {"culler", "binder"}


def test_a_setting_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="hub_bind_ulr"):
        command(tmp_path, JupyterHub={"hub_bind_ulr": "http://:8081"})


@pytest.mark.parametrize("missing", ["service-url", "data-dir"])
def test_what_it_cannot_do_without(tmp_path: Path, missing: str) -> None:
    given = {"service-url": "http://binder:8003", "data-dir": str(tmp_path / "data")}
    made = HubApart()
    made.initialize([f"--{name}={value}" for name, value in given.items() if name != missing])
    with pytest.raises(CannotStart, match=f"--{missing} is missing"):
        made.start()


def test_a_token_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN)
    with pytest.raises(CannotStart, match=TOKEN):
        command(tmp_path, "--service-url=http://binder:8003").compose()


def test_helm_test_is_one_person_and_may_be_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BINDER_TEST_TOKEN", "x" * 32)
    theirs = {"load_roles": [{"name": "theirs", "scopes": ["self"]}]}
    c = command(tmp_path, "--service-url=http://binder:8003", JupyterHub=theirs).compose()
    rights = {role["name"]: role["scopes"] for role in c.JupyterHub.load_roles}
    assert "theirs" in rights
    assert rights["binder-test"] == ["tokens!user=binder-test"]
    assert c.JupyterHub.services[-1] == {"name": "binder-test", "api_token": "x" * 32}


def test_without_helm_test_there_is_no_such_person(tmp_path: Path) -> None:
    c = command(tmp_path, "--service-url=http://b:1").compose()
    assert [role["name"] for role in c.JupyterHub.load_roles] == ["binder-ledger"]
