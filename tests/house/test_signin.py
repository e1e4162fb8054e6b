"""First-run sign-in: generated on loopback, never elsewhere, gone with another authenticator."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from traitlets.config import Config

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.up import datadir, signin

LOOPBACK = "127.0.0.1"


def test_one_person_may_sign_in_and_the_password_stays(tmp_path: Path) -> None:
    layout = datadir.prepare(tmp_path / "data")
    seen = []
    for _ in range(2):
        c = Config()
        seen.append(signin.generate(c, layout, LOOPBACK))
    assert seen[0] == seen[1]
    assert seen[0] is not None
    assert c.JupyterHub.authenticator_class == "shared-password"
    assert c.SharedPasswordAuthenticator.user_password == seen[0].password
    assert c.SharedPasswordAuthenticator.allowed_users == {seen[0].user}
    assert len(seen[0].password) == 16


@pytest.mark.parametrize("ip", ["", "0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_never_offered_to_a_network(tmp_path: Path, ip: str) -> None:
    layout = datadir.prepare(tmp_path / "data")
    with pytest.raises(CannotStart, match="authenticator_class"):
        signin.generate(Config(), layout, ip)


@pytest.mark.parametrize("ip", [LOOPBACK, "0.0.0.0"])
def test_an_authenticator_of_the_administrator_is_left_alone(tmp_path: Path, ip: str) -> None:
    layout = datadir.prepare(tmp_path / "data")
    c = Config()
    c.JupyterHub.authenticator_class = "dummy"
    assert signin.generate(c, layout, ip) is None
    assert c == Config({"JupyterHub": {"authenticator_class": "dummy"}})
    assert not (layout.secrets / "password").exists()


def test_allowed_users_of_the_administrator_win(tmp_path: Path) -> None:
    layout = datadir.prepare(tmp_path / "data")
    c = Config()
    c.Authenticator.allowed_users = {"ana", "ben"}
    signin.generate(c, layout, LOOPBACK)
    assert "allowed_users" not in c.SharedPasswordAuthenticator


@pytest.mark.parametrize(
    ("sudo_user", "expected"),
    [("", "jovyan"), ("root", "jovyan"), ("Ana.Maria", "ana.maria"), ("a b/c", "a-b-c")],
)
def test_user_name_of_root(monkeypatch: pytest.MonkeyPatch, sudo_user: str, expected: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_USER", sudo_user)
    assert signin.user_name() == expected
