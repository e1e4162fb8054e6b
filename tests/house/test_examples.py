"""The examples for one server: what reads them in earnest accepts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import PyFileConfigLoader

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
COMPOSE = EXAMPLES / "compose"
FILLED = {
    "HUB_HOST": "hub.example.org",
    "DNS_PROVIDER": "cloudflare",
    "DNS_TOKEN": "t",
    "GITHUB_CLIENT_ID": "id",
    "GITHUB_CLIENT_SECRET": "s",
    "GITHUB_ORGANIZATION": "lab",
}


def composed(**environment: str) -> subprocess.CompletedProcess[str]:
    """What compose makes of the example; it needs no daemon for that."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker compose is not installed; scripts/docker-engine start gets it")
    command = ["docker", "compose", "-f", str(COMPOSE / "compose.yaml"), "config", "--format=json"]
    passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, capture_output=True, text=True, env={**passed, **environment})


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_compose_accepts_its_file_and_every_file_it_names_is_there() -> None:
    done = composed(**FILLED)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    assert set(services) == {"hub", "postgres", "proxy"}
    files = [
        volume["source"]
        for service in services.values()
        for volume in service["volumes"]
        if str(volume["source"]).startswith(str(COMPOSE))
    ]
    assert len(files) == 3 and all(Path(file).is_file() for file in files)
    build = services["hub"]["build"]
    assert Path(build["context"], build["dockerfile"]).resolve() == COMPOSE / "Dockerfile"
    build = services["proxy"]["build"]
    assert Path(build["context"], build["dockerfile"]).resolve() == COMPOSE / "Dockerfile.proxy"
    (published,) = services["postgres"]["ports"]
    assert published["host_ip"] == "127.0.0.1"


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_compose_says_what_was_not_filled_in() -> None:
    done = composed()
    assert done.returncode != 0 and "see .env.example" in done.stderr
    names = {line.partition("=")[0] for line in (COMPOSE / ".env.example").read_text().splitlines()}
    assert set(FILLED) <= names


def test_the_configuration_names_both_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "postgres"
    secret.write_text("a/b@c\n")
    text = (COMPOSE / "jupyterhub_config.py").read_text()
    (tmp_path / "config.py").write_text(text.replace("/run/secrets/postgres", str(secret)))
    for name, value in FILLED.items():
        monkeypatch.setenv(name, value)
    c = PyFileConfigLoader("config.py", str(tmp_path)).load_config()
    server = "postgresql+psycopg://binder:a%2Fb%40c@127.0.0.1:5432"
    assert (c.JupyterHub.db_url, c.BinderApp.db_url) == (f"{server}/hub", f"{server}/service")
    created = (COMPOSE / "databases.sql").read_text()
    assert "hub" in created and "service" in created
    assert c.JupyterHub.subdomain_host == "https://hub.example.org"
    assert c.GitHubOAuthenticator.oauth_callback_url == "https://hub.example.org/hub/oauth_callback"
    assert c.GitHubOAuthenticator.allowed_organizations == {"lab"}


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("this machine has no systemd")
    unit = (EXAMPLES / "systemd" / "binder-at-home.service").read_text()
    program = "/opt/binder/bin/binder-at-home"
    assert program in unit
    copy = tmp_path / "binder-at-home.service"
    # It looks for the program too, which is not there.
    copy.write_text(unit.replace(program, sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
