"""The administrator's pages and API: who may, what is seen, and that what is done is on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from memory_engine import MemoryBuilder
from realhub import PREFIX
from traitlets.config import Config

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.base import Image
from binderhub_ext.service.admin.administration import Administration
from binderhub_ext.service.failures import Failure, logged
from binderhub_ext.service.hub import Person
from binderhub_ext.service.launching.eventlog import EventLog
from binderhub_ext.service.person.space import DiskUsage
from binderhub_ext.service.web.adminviews import settings_view
from binderhub_ext.service.web.handlers.admin import SECTIONS
from binderhub_ext.storage.space import Limits

ADMIN, NOBODY = "ada-of-admin", "norman"


async def launched(browser, url: str, **fields: str) -> str:
    """Launch something to its end; gives the launch's id."""
    await browser.get(PREFIX)
    id_ = await browser.launch(repo=url, **fields)
    await browser.told(id_)
    return id_


@pytest.mark.parametrize("section", ["", *(f"/{name}" for name in SECTIONS.split("|"))])
async def test_nobody_else_sees_it(realhub, section) -> None:
    async with realhub.browser(NOBODY) as browser, realhub.browser() as stranger:
        page = await browser.get(f"{PREFIX}admin{section}")
        assert page.status == 403
        assert "for administrators of this hub" in page.text
        assert "Admin</a>" not in (await browser.get(PREFIX)).text
        assert (await stranger.get(f"{PREFIX}admin{section}")).path.startswith("/hub/login")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "people"),
        ("GET", "builds/x/log"),
        ("POST", "builds/x/cancel"),
        ("DELETE", "environments/x"),
        ("POST", f"servers/{ADMIN}/x/stop"),
        ("DELETE", "trust/x"),
    ],
)
async def test_nobody_else_may(realhub, method, path) -> None:
    async with realhub.browser(NOBODY) as browser:
        await browser.get(PREFIX)
        refused = await browser.api(method, f"api/admin/{path}")
        assert (refused.status, refused.json()["code"]) == (403, "not-allowed")
        await browser.get(f"{PREFIX}settings")
        form = await browser.form("admin/builds", action="cancel-build", id="x")
        assert form.status == 403


async def test_an_administrator_sees_who_does_what(realhub, repos) -> None:
    repos.create_repo("admins/seen", {"requirements.txt": "", "x": "seen"})
    repos.create_repo("admins/refused", {"Dockerfile": "FROM x"})
    async with (
        realhub.browser("nina-of-admin") as nina,
        realhub.browser(ADMIN) as ada,
        realhub.browser("lou-of-looks") as lou,
    ):
        url = f"{repos.url}/admins/seen"
        await launched(nina, url)
        lost = await launched(nina, f"{repos.url}/admins/refused")
        home = await ada.get(PREFIX)
        assert f'href="{PREFIX}admin"' in home.text

        builds = await ada.get(f"{PREFIX}admin/builds")
        assert builds.status == 200 and "nina-of-admin" in builds.text
        found = (
            await ada.api("GET", f"api/admin/builds?reference=unsupported-environment%20{lost}")
        ).json()
        assert found["found"]["launch"]["user"] == "nina-of-admin"
        assert found["found"]["launch"]["code"] == "unsupported-environment"
        assert any(row["id"] == lost for row in found["failures"])
        [build] = [row for row in found["builds"] if row["repo"].endswith("admins/seen")]
        assert (build["state"], build["people"]) == ("success", ["nina-of-admin"])
        log = await ada.api("GET", f"api/admin/builds/{build['id']}/log")
        assert "line 0" in log.text
        nothing = (await ada.api("GET", "api/admin/builds?reference=x")).json()["found"]
        assert nothing == {"launch": None, "traceback": ""}

        kept = (await ada.api("GET", "api/admin/environments")).json()["environments"]
        [one] = [row for row in kept if row["key"] == build["key"]]
        assert (one["people"], one["launches"]) == (1, 1) and one["last_used"]
        page = (await ada.get(f"{PREFIX}admin/environments")).text
        assert "1 launch of 1 person, the last" in page
        stays = "stays, however long nobody uses it"
        assert not one["pinned"] and stays not in page
        pinned = await ada.form("admin/environments", action="pin-environment", id=one["key"])
        assert pinned.status == 303
        assert stays in (await ada.get(f"{PREFIX}admin/environments")).text
        pin = f"api/admin/environments/{one['key']}/pin"
        assert (await ada.api("DELETE", pin)).status == 200
        assert stays not in (await ada.get(f"{PREFIX}admin/environments")).text
        assert (await ada.api("POST", pin.replace(one["key"], "none"))).status == 404

        servers = (await ada.api("GET", "api/admin/servers")).json()["servers"]
        [server] = [row for row in servers if row["user"] == "nina-of-admin"]
        assert (server["title"], server["state"]) == ("seen", "running")
        people = (await ada.api("GET", "api/admin/people")).json()["people"]
        [nina_seen] = [one for one in people if one["name"] == "nina-of-admin"]
        assert nina_seen["running"] == 1 and nina_seen["launches"] == 2
        [ada_seen] = [one for one in people if one["name"] == ADMIN]
        assert ada_seen["admin"]
        health = (await ada.api("GET", "api/admin/health")).json()["checks"]
        assert {"JupyterHub API", "Database"} <= {check["name"] for check in health}
        space = [check for check in health if check["name"] == "free disk space"]
        assert [check["ok"] for check in space] == [True, False]
        assert space[1]["text"] == "{free} MiB free" and space[1]["fields"]["free"] > 0
        german = (await ada.get(f"{PREFIX}admin/health", headers={"Accept-Language": "de"})).text
        assert "freier Plattenplatz" in german and "Schaffen Sie Platz auf der Platte von" in german
        for section in SECTIONS.split("|"):
            assert (await ada.get(f"{PREFIX}admin/{section}")).status == 200

        # what is done, and what the Hub keeps back from whoever may only look
        await lou.get(PREFIX)
        path = f"api/admin/servers/nina-of-admin/{server['name']}/stop"
        refused = await lou.api("POST", path)
        assert refused.status == 403 and "“delete:servers”" in refused.json()["message"]
        for admin in (ada, lou):
            gone = await admin.api("POST", path.replace(server["name"], "nowhere"))
            assert gone.status == 202, gone.text
        assert (await nina.api("GET", "api/servers")).json()["servers"][0]["state"] == "running"
        stopped = await ada.form(
            "admin/servers", action="stop-server", user="nina-of-admin", name=server["name"]
        )
        assert (stopped.status, stopped.headers["Location"]) == (303, f"{PREFIX}admin/servers")
        servers = (await nina.api("GET", "api/servers")).json()["servers"]
        assert all(one["state"] in ("stopping", "stopped") for one in servers)
        assert (await ada.api("DELETE", f"api/admin/environments/{one['key']}")).status == 200
        again = await ada.api("DELETE", f"api/admin/environments/{one['key']}")
        assert again.status == 404
        ended = await ada.form("admin/builds", action="cancel-build", id=build["id"])
        assert ended.status == 404 and "may have ended" in ended.text
    log = realhub.log.read_text()
    assert f"The administrator {ADMIN}: stop-server nina-of-admin/{server['name']}" in log
    for action in ("pin", "unpin", "remove"):
        assert f"The administrator {ADMIN}: {action}-environment image-{one['key']}" in log


async def test_a_pinned_environment_stays_until_it_is_not(tmp_path: Path) -> None:
    """Its key is what counts: pinned by one service, it stays for the next."""
    builder, ada = MemoryBuilder(), Person(ADMIN, token="", admin=True)
    builder.built = {key: Image(f"image-{key}", key) for key in ("a", "b", "c")}
    builder.surplus = ["a", "b"]
    space = DiskUsage(DataDirectory(tmp_path), Limits())
    nobody = cast(Any, None)

    def service() -> Administration:
        return Administration(
            hub=nobody,
            builds=nobody,
            builder=builder,
            everybody=nobody,
            space=space,
            tickets=nobody,
            log=EventLog(""),
        )

    await service().pin_environment(ada, "a", pinned=True)
    assert [image.key for image in await service().remove_unused()] == ["b"]
    await service().pin_environment(ada, "a", pinned=False)
    assert [image.key for image in await service().remove_unused()] == ["a"]
    space.close()


async def test_everybody_is_told_without_a_restart(realhub) -> None:
    """On our pages, on the Hub's and at the sign-in; what was written is text."""
    words = "Tomorrow <b>nothing</b> runs."
    shown = "Tomorrow &lt;b&gt;nothing&lt;/b&gt; runs."
    async with (
        realhub.browser(ADMIN) as ada,
        realhub.browser("told-by-admin") as browser,
        realhub.browser() as stranger,
    ):
        await ada.get(PREFIX)
        await browser.get(PREFIX)
        refused = await browser.api("POST", "api/admin/announcement", json={"words": "Boo"})
        assert refused.status == 403
        done = await ada.form("admin/settings", action="announce", words=f" {words}\n")
        assert done.status == 303
        for page in (
            await browser.get(PREFIX),
            await browser.get("/hub/token"),
            await stranger.get("/hub/login"),
            await ada.get(f"{PREFIX}admin/settings"),
        ):
            assert shown in page.text and words not in page.text
        long = await ada.api("POST", "api/admin/announcement", json={"words": "x" * 501})
        assert long.status == 400 and "501 characters" in long.json()["message"]
        gone = await ada.api("POST", "api/admin/announcement", json={"words": ""})
        assert gone.json() == {"words": ""}
        assert "Tomorrow" not in (await browser.get(PREFIX)).text


async def test_an_administrator_sees_all_volumes(realhub) -> None:
    async with realhub.browser(ADMIN) as ada, realhub.browser("vic-of-admin") as vic:
        await ada.get(PREFIX)
        await vic.get(PREFIX)
        made = await vic.api("POST", "api/volumes", json={"name": "seen-by-admins"})
        assert made.status == 201, made.text
        volumes = (await ada.api("GET", "api/admin/volumes?find=SEEN vic")).json()["volumes"]
        assert [(one["name"], one["owner"]) for one in volumes] == [
            ("seen-by-admins", "vic-of-admin")
        ]
        page = await ada.get(f"{PREFIX}admin/volumes?find=seen-by")
        assert "of vic-of-admin" in page.text and "1 in this list." in page.text
        nothing = await ada.get(f"{PREFIX}admin/volumes?find=no-such-thing")
        assert "Nothing is found by this." in nothing.text


async def test_trust_is_seen_and_taken_back(realhub, repos) -> None:
    async with realhub.browser("nils-of-admin") as nils, realhub.browser(ADMIN) as ada:
        await launched(nils, f"{repos.url}/me/mine", trust="yes")
        await ada.get(PREFIX)
        trust = (await ada.api("GET", "api/admin/people")).json()["trust"]
        [one] = [row for row in trust if row["user"] == "nils-of-admin"]
        assert (await ada.api("DELETE", f"api/admin/trust/{one['id']}")).status == 200
        assert "None. Trust is given" in (await nils.get(f"{PREFIX}settings")).text


async def test_what_is_done_is_in_the_event_log(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    await EventLog(str(log)).acted("ada", "stop-server", "nina/x")
    await EventLog("").acted("ada", "stop-server", "nina/y")
    [line] = log.read_text().splitlines()
    entry = json.loads(line)
    assert entry["schema"] == "binder-at-home/administration"
    assert (entry["administrator"], entry["subject"]) == ("ada", "nina/x")


def test_a_reference_leads_to_what_the_log_has() -> None:
    try:
        raise ZeroDivisionError("of somebody")
    except ZeroDivisionError as error:
        failure = Failure.of(error, where="here")
    assert "ZeroDivisionError: of somebody" in logged(failure.reference)
    assert logged("x") == ""


def test_no_secret_is_shown() -> None:
    c = Config()
    c.BinderApp.db_url = "postgresql://binder:SECRET@db/x"
    c.JupyterHub.cookie_secret = b"SECRET"
    c.JupyterHub.services = [{"name": "x", "api_token": "SECRET", "url": "http://u:SECRET@h/"}]
    c.GitHubOAuthenticator.client_id = "SECRET"
    c.KubeSpawner.environment = {"PASSWORD": "SECRET"}
    c.LaunchPolicy.max_memory = "8G"
    c.LaunchPolicy.banned_specs.append("gh/evil/")
    c.Spawner.args = ["--IdentityProvider.token=SECRET", "--x=1", "run --password SECRET"]
    c.Spawner.default_url = "/lab?token=SECRET&a=b"
    c.Spawner.notebook_dir = '{"api_key": "SECRET"}'
    c.Spawner.pre_spawn_hook = lambda spawner: "SECRET"
    shown = settings_view(c)
    assert "SECRET" not in json.dumps(shown)
    values = {f"{one['section']}.{one['name']}": one["value"] for one in shown}
    assert values["LaunchPolicy.max_memory"] == "'8G'"
    assert "gh/evil/" in values["LaunchPolicy.banned_specs"]
    assert "--x=1" in values["Spawner.args"]
    assert values["Spawner.default_url"] == "'/lab?token=…&a=b'"
    assert values["Spawner.pre_spawn_hook"] == "'<function>'"
    assert "'http://…@h/'" in values["JupyterHub.services"]
