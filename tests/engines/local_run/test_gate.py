"""The Hub's gate, against a real Hub: what is not signed for exactly this start does not start."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sandboxhub import Client, Failed, SandboxHub, running_hub, whoever_runs_it

from binderhub_ext.core.carried import said_in
from binderhub_ext.core.launch import sign_ticket
from binderhub_ext.languages.language import find
from binderhub_ext.service.hubrefusals import failure

OVERRIDES = {
    "replaced": "c.Spawner.apply_user_options = lambda spawner, options: None",
    "a mapping": "c.Spawner.apply_user_options = {'ticket': 'cmd'}",
    "changed afterwards": """
def change(spawner):
    spawner.user_options = {"ticket": "another"}
c.Spawner.pre_spawn_hook = change
""",
    "no secret": "c.BinderSpawnerMixin.ticket_secret = ''",
}

EXTENDED = """
from binderhub_ext.engines.spawner import check_ticket
def more(spawner, user_options):
    check_ticket(spawner, user_options)
    spawner.environment = {"MORE": "1"}
c.Spawner.apply_user_options = more
"""


def hostile(hub: SandboxHub) -> dict[str, Any]:
    """Options eve may post for her server `one`, by what is wrong with them."""
    right = sign_ticket(hub.launch("eve"), hub.secret)
    return {
        "nothing": {},
        "null": None,
        "no ticket": {"image": hub.image},
        "an empty ticket": {"ticket": ""},
        "not text": {"ticket": {"user": "eve"}},
        "nonsense": {"ticket": "e30.x"},
        "altered": {"ticket": right[:-3] + "abc"},
        "altered content": {"ticket": "A" + right[1:]},
        "another secret": {"ticket": sign_ticket(hub.launch("eve"), "guess")},
        "an empty secret": {"ticket": sign_ticket(hub.launch("eve"), "")},
        "another person's": {"ticket": sign_ticket(hub.launch("ana"), hub.secret)},
        "another server's": {"ticket": sign_ticket(hub.launch("eve", "two"), hub.secret)},
        "more than a ticket": {"ticket": right, "image": "x"},
        "a list": {"ticket": [right]},
    }


async def refuse(client: Client, user_options: Any) -> str:
    with pytest.raises(Failed) as caught:
        await client.post("eve", "one", user_options)
    return str(caught.value)


@whoever_runs_it
async def test_hostile_options_are_refused_and_the_hub_stays(sandbox_hub: SandboxHub) -> None:
    before = len(sandbox_hub.log.read_text())
    async with sandbox_hub.client() as client:
        refusals = [await refuse(client, options) for options in hostile(sandbox_hub).values()]
        refusals += [await refuse(client, {"ticket": str(n)}) for n in range(20 - len(refusals))]
        assert len(refusals) >= 20
        for words in refusals:
            assert re.search(r"link|signed", words), words
        # The Hub gives up after three failures in a row, two seconds later; these are none.
        await asyncio.sleep(2.5)
        assert sandbox_hub.alive
        assert "Traceback" not in sandbox_hub.log.read_text()[before:]
        await client.start(sandbox_hub.launch("eve"))
        await client.stop("eve")


async def test_refused_page_links_to_the_service(sandbox_hub: SandboxHub) -> None:
    async with sandbox_hub.client() as client:
        await client.user("eve")
        path = client.url("users/eve/servers/one")
        async with client.session.post(path, json={"user_options": {}}):
            pass
        async with client.session.get(path + "/progress") as response:
            assert "/services/binder/" in await response.text()


@whoever_runs_it
async def test_a_ticket_starts_its_server_again(sandbox_hub: SandboxHub) -> None:
    """The Hub's own start button sends no options: what is stored is judged anew."""
    async with sandbox_hub.client() as client:
        await client.start(sandbox_hub.launch("bob"))
        await client.stop("bob")
        status, _ = await client.api("POST", "users/bob/servers/one")
        assert status in (201, 202)
        await client._follow("users/bob/servers/one/progress")
        await client.stop("bob")


@pytest.fixture(scope="module")
def own_hub() -> Iterator[SandboxHub]:
    with running_hub("ordinary") as hub:
        hub.stop()
        yield hub


@pytest.mark.parametrize("extra", OVERRIDES.values(), ids=OVERRIDES)
async def test_gate_that_did_not_run_refuses(own_hub: SandboxHub, extra: str) -> None:
    with own_hub.configured(extra):
        async with own_hub.client() as client:
            with pytest.raises(Failed, match=r"configuration|secret|user options"):
                await client.start(own_hub.launch("eve"))


async def test_administrator_can_do_more_than_the_check(own_hub: SandboxHub) -> None:
    with own_hub.configured(EXTENDED):
        async with own_hub.client() as client:
            await client.start(own_hub.launch("eve"))
            answer = await client.run("eve", "import os; print(os.environ['MORE'])")
            assert answer.output.strip() == "1"


async def test_server_that_answers_once_does_not_count_as_the_hubs_failure(
    own_hub: SandboxHub,
) -> None:
    """It answers the spawner and then falls silent before the Hub asks once more."""
    program = (
        "import os, socket, time\n"
        "from urllib.parse import urlsplit\n"
        "listening = socket.create_server(('127.0.0.1', urlsplit(os.environ["
        "'JUPYTERHUB_SERVICE_URL']).port))\n"
        "connection, _ = listening.accept()\n"
        "connection.recv(4096)\n"
        "connection.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}')\n"
        "time.sleep(60)\n"
    )
    extra = f"c.Spawner.cmd = ['python', '-c', {program!r}]\nc.Spawner.http_timeout = 2"
    with own_hub.configured(extra):
        async with own_hub.client() as client:
            for _ in range(4):
                with pytest.raises(Failed, match="stopped answering"):
                    await client.start(own_hub.launch("eve"))
            await asyncio.sleep(2.5)
            assert own_hub.alive


async def test_server_that_fails_tells_the_end_of_its_log(own_hub: SandboxHub) -> None:
    extra = "c.Spawner.cmd = ['python', '-c', 'raise SystemExit(\"no \\x1b[31mcolour today\")']"
    with own_hub.configured(extra):
        async with own_hub.client() as client:
            for _ in range(4):
                with pytest.raises(Failed, match="no colour today") as caught:
                    await client.start(own_hub.launch("eve"))
            await asyncio.sleep(2.5)
            assert own_hub.alive
            assert list((own_hub.layout.run / "servers").iterdir()) == []
    # the service, and the Hub's own page, say it in the language of whoever reads it
    error = failure(str(caught.value), caught.value.page)
    german = find("de").say(error.message)
    assert german.startswith("Ihr Server ist nicht gestartet. Er hat sich selbst beendet.")
    assert "no colour today" in error.detail
    page = said_in(caught.value.page, find("de").say)
    assert page.startswith(german) and ">Zur Seite des Starts</a>" in page


async def test_server_that_never_answers_is_ended_in_time(own_hub: SandboxHub) -> None:
    extra = "c.Spawner.cmd = ['sleep', '60']\nc.Spawner.start_timeout = 4"
    with own_hub.configured(extra):
        async with own_hub.client() as client:
            with pytest.raises(Failed, match="did not answer in time"):
                await client.start(own_hub.launch("eve"))
            assert list((own_hub.layout.run / "servers").iterdir()) == []
