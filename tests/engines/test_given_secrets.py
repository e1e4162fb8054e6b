"""What a spawner makes of the names in a ticket, before it starts anything."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from binderhub_ext.core.errors import LaunchFailed, Unsupported
from binderhub_ext.core.launch import Launch
from binderhub_ext.core.secretnames import Secret
from binderhub_ext.engines import givensecrets
from binderhub_ext.engines.local.spawner import LocalSpawner
from binderhub_ext.secretsettings import Secrets

OFFERED = {"GITLAB_TOKEN": "access_token", "ID_FILE": "file:id_token", "MINE": "access_token"}
MINE = Secret("MINE", "hush")


def spawner_of(state: object) -> tuple[LocalSpawner, list[str]]:
    """One whose service keeps `MINE` alone, and what it tells.

    Args:
        state: what the Hub keeps of the person's sign-in.
    """
    told: list[str] = []

    async def stored(_launch: Launch) -> tuple[Secret, ...]:
        return (MINE,)

    async def get_auth_state() -> object:
        return state

    spawner = LocalSpawner(config=Config({"Secrets": {"offered_tokens": OFFERED}}))
    spawner.user = SimpleNamespace(get_auth_state=get_auth_state)
    spawner._stored = stored
    spawner.tell = lambda _progress, message: told.append(message)
    return spawner, told


def launch(*names: str) -> Launch:
    return Launch("ana", "one", None, "", "image", secrets=names)


async def test_stored_ones_and_tokens_are_what_was_ticked_of_each() -> None:
    spawner, said = spawner_of({"access_token": "oauth", "id_token": "id"})
    await spawner.fetch_secrets(launch("sign-in:ID_FILE", "MINE", "sign-in:GITLAB_TOKEN"))
    file, token = Secret("ID_FILE", "id", file=True), Secret("GITLAB_TOKEN", "oauth")
    assert spawner.secrets == (file, MINE, token)
    assert said == ["Your server is given your secrets: ID_FILE, MINE, GITLAB_TOKEN."]
    assert givensecrets.variables(spawner.secrets, "/run/x") == {
        "ID_FILE": "/run/x/ID_FILE",
        "MINE": "hush",
        "GITLAB_TOKEN": "oauth",
    }
    assert dict(givensecrets.files(spawner.secrets, "/run/x")) == {"/run/x/ID_FILE": b"id"}


@pytest.mark.parametrize("state", [None, {}, {"access_token": None}, {"access_token": {"a": 1}}])
async def test_a_sign_in_that_has_none(state: Any) -> None:
    spawner, _ = spawner_of(state)
    with pytest.raises(LaunchFailed, match=r"nothing of your sign-in .* GITLAB_TOKEN"):
        await spawner.fetch_secrets(launch("sign-in:GITLAB_TOKEN"))
    assert spawner.secrets == ()


async def test_what_was_removed_since_is_nothing_else_of_that_name() -> None:
    spawner, _ = spawner_of({"access_token": "oauth"})
    for gone, words in (
        (("MINE", "GONE"), "your secret GONE, which you have not stored any more"),
        # a token of that name is on offer, and was not ticked
        (("GITLAB_TOKEN",), "your secret GITLAB_TOKEN, which you have not stored any more"),
        (("sign-in:GONE",), "GONE of your sign-in, which this hub does not offer"),
    ):
        with pytest.raises(LaunchFailed, match=words):
            await spawner.fetch_secrets(launch(*gone))
    # nor does what is stored under its name replace a token that was ticked
    await spawner.fetch_secrets(launch("sign-in:MINE"))
    assert spawner.secrets == (Secret("MINE", "oauth"),)


async def test_an_engine_that_says_nothing_gives_none() -> None:
    spawner, said = spawner_of({})
    none = givensecrets.SecretsMixin.check_secrets
    with pytest.raises(Unsupported):
        none(spawner, (MINE,))
    none(spawner, ())
    # and nobody is asked where there is nothing to give
    await spawner.fetch_secrets(launch())
    assert said == []


@pytest.mark.parametrize("said", [{"PATH": "access_token"}, {"A": ""}, {"A": "file:"}, {"A": 1}])
def test_settings_that_mean_nothing(said: Any) -> None:
    with pytest.raises(Exception, match=r"Secrets\.offered_tokens"):
        Secrets(offered_tokens=said)


def test_a_container_gets_variables_and_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = pytest.importorskip("binderhub_ext.engines.docker.spawner")
    env = {"PATH": "/bin", "MINE": "the Hub's"}
    monkeypatch.setattr(docker.BinderSpawnerMixin, "get_env", lambda _: env)
    spawner = docker.BinderDockerSpawner()
    spawner.secrets = (MINE, Secret("TOKEN", "oauth"))
    given = spawner.get_env()
    # nothing of the Hub's own is replaced
    assert (given["MINE"], given["TOKEN"], given["PATH"]) == ("the Hub's", "oauth", "/bin")
    spawner.check_secrets(spawner.secrets)
    with pytest.raises(Unsupported, match="as variables"):
        spawner.check_secrets((Secret("KEY", "x", file=True),))


def test_files_are_for_sandboxes_alone() -> None:
    file = Secret("KEY", "x", file=True)
    LocalSpawner().check_secrets((MINE, file))
    bare = LocalSpawner(unsafe_no_sandbox=True)
    bare.check_secrets((MINE,))
    with pytest.raises(LaunchFailed, match="only a sandbox"):
        bare.check_secrets((file,))
