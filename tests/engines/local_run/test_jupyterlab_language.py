"""A real JupyterLab begins in the language of its person, where it has the pack for that."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from sandboxhub import Client, SandboxHub, whoever_runs_it

PACK = "jupyterlab-language-pack-de-DE\n"
PLUGIN = "@jupyterlab/translation-extension:plugin"


async def lab(client: Client, server: str, path: str, **body: Any) -> Any:
    """What JupyterLab's own API answers; with a body it is told something."""
    url = f"http://{client.hub.server_address('greta', server)}/user/greta/{server}/lab/api/{path}"
    headers = {"Authorization": f"token {client.hub.token}"}
    method = "PUT" if body else "GET"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, json=body or None) as response,
    ):
        text = await response.text()
        assert response.status in (200, 204), text
        return json.loads(text or "null")


async def locale(client: Client, server: str) -> str:
    """What JupyterLab's own page goes by: a choice, or else the default."""
    told = await lab(client, server, f"settings/{PLUGIN}")
    return str(told["settings"].get("locale") or told["schema"]["properties"]["locale"]["default"])


@whoever_runs_it
async def test_jupyterlab_begins_in_its_persons_language(sandbox_hub: SandboxHub) -> None:
    image = sandbox_hub.build({"requirements.txt": PACK})
    german = sandbox_hub.launch("greta", "german", image=image, language="de")
    plain = sandbox_hub.launch("greta", "plain", language="de")
    async with sandbox_hub.client() as client:
        await client.start(german)
        assert await locale(client, "german") == "de_DE"
        words = await lab(client, "german", "translations/de_DE")
        assert words["data"]["jupyterlab"] and not words["message"]
        answer = await client.run("greta", "import os; print(os.environ.get('LANG'))", "german")
        assert answer.output.strip() == "C.UTF-8"
        # what somebody chooses is kept, and comes before
        await lab(client, "german", f"settings/{PLUGIN}", raw='{"locale": "en"}')
        await client.stop("greta", "german")
        await client.start(german)
        assert await locale(client, "german") == "en"
        await client.stop("greta", "german")
        await lab_without_a_pack(client, plain)


async def lab_without_a_pack(client: Client, launch: Any) -> None:
    """English, as JupyterLab itself has it."""
    await client.start(launch)
    await client.run("greta", "import shutil; shutil.rmtree('/home/jovyan/.jupyter/lab')", "plain")
    assert await locale(client, "plain") in ("default", "en")
    await client.stop("greta", "plain")
