"""API-only mode: a builder for other services, without pages."""

from urllib.parse import quote

from realhub import PREFIX, RealHub
from yarl import URL

from binderhub_ext.core.sse import Parser


async def test_builds_without_launching(tmp_path, repos):
    with RealHub(tmp_path, "c.Access.api_only = True") as hub:
        token = await hub.token("ana")
        auth = {"Authorization": f"Bearer {token}"}
        async with hub.browser() as client:
            assert (await client.send("GET", f"{PREFIX}health")).status == 200
            for page in ("", "v2/gh/a/b/main", "launches/x", "badge.svg"):
                assert (await client.send("GET", PREFIX + page, headers=auth)).status == 404
            repo = quote(f"{repos.url}/me/mine", safe="")
            url = f"{PREFIX}build/git/{repo}/main?build_only=true"
            headers = {**auth, "Accept": "text/event-stream"}
            there = URL(client.url(url), encoded=True)
            for order in (["waiting", "fetching", "building", "ready"], ["waiting", "ready"]):
                async with client.session.get(there, headers=headers) as response:
                    events = Parser().feed(await response.read())
                assert list(dict.fromkeys(event["phase"] for event in events)) == order
                assert events[-1]["imageName"].startswith("image-env-")
            made_up = {**headers, "X-Binder-At-Home-Via": ",".join("abcdefghi")}
            async with client.session.get(there, headers=made_up) as response:
                events = Parser().feed(await response.read())
            assert events[-1]["phase"] == "ready", "nobody has a build refused by what they write"
            servers = await client.api("GET", "api/servers", headers=auth)
            assert servers.json() == {"servers": []}
