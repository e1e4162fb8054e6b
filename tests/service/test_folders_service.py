"""Files without a server, with a real Hub: seen, downloaded, uploaded, and only one's own."""

from __future__ import annotations

import asyncio
import html
import io
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from patience import SOON
from realhub import PREFIX, Browser, RealHub, Reply
from yarl import URL

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.updates import printable

MIB = 1 << 20
NAMESAKES = "noa.@_!+@x", "noa_. _._x"
UIDS = {
    "mia-of-folders": 200_601,
    "max-of-folders": 200_602,
    "moe-of-folders": 200_603,
    NAMESAKES[0]: 200_604,
}


def home_of(hub: RealHub, user: str) -> Path:
    """A home as the `local` engine makes it, with something in it."""
    home = DataDirectory(hub.root / "data").home(user)
    if not home.is_dir():
        (home / "projects/octo/tides").mkdir(parents=True)
        (home / "projects/octo/tides/data.csv").write_text("a,b")
        (home / "page.html").write_text("<script>alert(1)</script>")
        (home / "out").symlink_to(home.parents[1] / "secrets")
        own(home, user)
    return home


def own(path: Path, user: str) -> None:
    if os.geteuid() == 0:
        for each in (path, *path.rglob("*")):
            os.chown(each, UIDS[user], UIDS[user], follow_symlinks=False)
    path.chmod(0o700)


def content(path: str, of: str = "home", **more: str) -> str:
    return "files/content?" + urlencode({"of": of, "path": path, **more})


async def signed_in(browser: Browser) -> Browser:
    await browser.get(PREFIX)
    return browser


async def send(browser: Browser, path: str, name: str, data: bytes, of: str = "home") -> Reply:
    return await browser.api("POST", "api/" + content(path, of, name=name), data=io.BytesIO(data))


async def look(browser: Browser, path: str, of: str = "home") -> Any:
    reply = await browser.api("GET", "api/files/folder?" + urlencode({"of": of, "path": path}))
    assert reply.status == 200, reply.text
    return reply.json()


async def test_there_and_back(realhub: RealHub) -> None:
    user = "mia-of-folders"
    home = home_of(realhub, user)
    project = "projects/octo/tides"
    async with realhub.browser(user) as mia:
        await signed_in(mia)
        told = await look(mia, "")
        assert [(e["name"], e["kind"], bool(e["url"])) for e in told["entries"]] == [
            ("projects", "folder", True),
            ("out", "link", False),
            ("page.html", "file", True),
        ]
        # what a link on the page leads to is never shown on our own origin
        reply = await mia.get(told["entries"][2]["url"])
        assert reply.text == "<script>alert(1)</script>"
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert reply.headers["Content-Disposition"].startswith("attachment;")
        assert reply.headers["Content-Security-Policy"].startswith("sandbox;")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"

        # far more than a form may have, and streamed
        large = os.urandom(5 * MIB)
        reply = await send(mia, project, "Übung 1.bin", large)
        assert (reply.status, reply.json()["name"]) == (201, "Übung 1.bin")
        reply = await send(mia, project, "data.csv", b"new")
        assert (reply.status, reply.json()["name"]) == (201, "data (1).csv")
        assert (home / project / "Übung 1.bin").read_bytes() == large
        assert (home / project / "data.csv").read_text() == "a,b"
        assert (home / project / "data (1).csv").stat().st_uid == home.stat().st_uid
        assert (await send(mia, project, "empty", b"")).status == 201
        names = [entry["name"] for entry in (await look(mia, project))["entries"]]
        assert names == ["data (1).csv", "data.csv", "empty", "Übung 1.bin"]

        page = await mia.get(f"{PREFIX}files/folder?of=home&path={quote(project)}")
        assert "data (1).csv" in page.text and 'id="upload"' in page.text


HOSTILE = ("..", "a/../..", "/etc", "out", "out/ticket", "projects/octo/tides/", "nowhere", "a\0b")


async def test_nothing_leads_out(realhub: RealHub) -> None:
    user = "max-of-folders"
    home = home_of(realhub, user)
    before = sorted(home.rglob("*"))
    async with realhub.browser(user) as max_:
        await signed_in(max_)
        for path in HOSTILE:
            for method, address in (
                ("GET", "api/files/folder?" + urlencode({"of": "home", "path": path})),
                ("GET", "api/" + content(f"{path}/ticket")),
                ("GET", "api/" + content("page.html", of=path)),
                ("POST", "api/" + content(path, name="x")),
            ):
                reply = await max_.api(method, address)
                assert reply.status == 404 and reply.json()["message"], address
        for name in ("../x", "a/b", "a\\b", ".", "..", "", "a\0", "a\r\nb", "x" * 300, "\u202e"):
            reply = await send(max_, "", name, b"x")
            assert reply.status == 400 and reply.json()["message"], name
        reply = await max_.api("POST", "api/files/content?of=home&path=&name=%FF", data=b"x")
        assert reply.status == 400
        # by link alone, and from pages that are not ours
        address = f"{PREFIX}api/{content('', name='x')}"
        for headers in ({}, {"X-XSRFToken": max_.xsrf(), "Sec-Fetch-Site": "cross-site"}):
            assert (await max_.send("POST", address, data=b"x", headers=headers)).status == 403
        page = await max_.get(f"{PREFIX}files/folder?of=home&path=out")
        assert page.status == 404 and "links are not followed" in page.text
    async with realhub.browser() as stranger:
        assert (await stranger.send("POST", address, data=b"x")).status == 403
        answer = await stranger.send("GET", f"{PREFIX}{content('page.html')}")
        assert answer.status == 302
    assert sorted(home.rglob("*")) == before


async def raw(browser: Browser, head: str, body: bytes = b"", *, leave: bool = False) -> str:
    """What is answered to a request of which only a part is sent."""
    there = urlsplit(browser.url(PREFIX))
    cookies = browser.session.cookie_jar.filter_cookies(URL(browser.url(PREFIX)))
    cookie = "; ".join(f"{key}={morsel.value}" for key, morsel in cookies.items())
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    headers = f"Host: {there.netloc}\r\nCookie: {cookie}\r\nX-XSRFToken: {browser.xsrf()}\r\n"
    writer.write(f"POST {PREFIX}{head}\r\n{headers}\r\n".encode() + body)
    await writer.drain()
    try:
        if leave:
            await asyncio.sleep(0.5)
            return ""
        async with asyncio.timeout(SOON):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            return (head + await reader.readexactly(int(length[1]) if length else 0)).decode()
    finally:
        writer.close()


async def test_what_is_too_large_or_does_not_come_whole(realhub: RealHub) -> None:
    user = "moe-of-folders"
    home = home_of(realhub, user)
    before = sorted(home.rglob("*"))
    async with realhub.browser(user) as moe:
        await signed_in(moe)
        head = "api/" + content("", name="x") + " HTTP/1.1\r\nContent-Length: "
        # refused before any of it is there, and the line is free again
        answer = await raw(moe, f"{head}{10 << 30}", b"x" * MIB)
        assert answer.startswith("HTTP/1.1 413") and "at most 2.0 GiB can be uploaded" in answer
        answer = await raw(moe, f"{head}{10 << 30}\r\nExpect: 100-continue")
        assert answer.startswith("HTTP/1.1 413")
        answer = await raw(
            moe, f"api/{content('', name='x')} HTTP/1.1\r\nTransfer-Encoding: chunked"
        )
        assert answer.startswith("HTTP/1.1 400") and "Content-Length" in answer
        await raw(moe, f"{head}1000000", b"x" * 5000, leave=True)
        async with asyncio.timeout(SOON):
            while sorted(home.rglob("*")) != before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        # nothing of that holds up what comes next
        assert (await send(moe, "", "x", b"whole")).status == 201


def form(token: str, *files: tuple[str, bytes], last: bool = False) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    for name, content in files:
        if not last:
            data.add_field("_xsrf", token)
        data.add_field("files", io.BytesIO(content), filename=name)
    if last or not files:
        data.add_field("_xsrf", token)
    return data


async def test_a_form_without_a_script(realhub: RealHub) -> None:
    """Streamed like any other upload, in its folder's page, and nobody else's to send."""
    user = "max-of-folders"
    home = home_of(realhub, user)
    address = f"{PREFIX}files/upload?of=home&path=projects/octo/tides"
    there = home / "projects/octo/tides"
    large = os.urandom(9 * MIB)  # more than any other form may have

    async with realhub.browser(user) as max_:
        await signed_in(max_)
        token = max_.xsrf()
        page = (await max_.get(f"{PREFIX}files/folder?of=home&path=projects/octo/tides")).text
        assert f'action="{html.escape(address)}"' in page
        sent = form(token, ("größe.bin", large), ("data.csv", b"new\r\n--x"), ("empty", b""))
        reply = await max_.send("POST", address, data=sent)
        assert reply.status == 201, reply.text
        assert "größe.bin is uploaded." in reply.text
        assert "data.csv was here already, so the new one is called data (1).csv" in reply.text
        assert (there / "größe.bin").read_bytes() == large
        assert (there / "data (1).csv").read_bytes() == b"new\r\n--x"
        assert (there / "empty").read_bytes() == b"" and (there / "data.csv").read_text() == "a,b"
        before = sorted(home.rglob("*"))

        for data, status, words in (
            (form("", ("x", b"1")), 403, "open too long"),
            (form("forged", ("x", b"1")), 403, "open too long"),
            (form(token, ("x", b"1"), last=True), 403, "open too long"),
            (form(token, ("", b"")), 400, "No file was chosen"),
            (form(token), 400, "No file was chosen"),
            (form(token, ("../x", b"1")), 400, "names a folder, too"),
            ({"_xsrf": token, "files": "x"}, 400, "not understood"),
        ):
            reply = await max_.send("POST", address, data=data)
            assert reply.status == status and words in reply.text, reply.text
        outside = f"{PREFIX}files/upload?of=home&path=out"
        reply = await max_.send("POST", outside, data=form(token, ("x", b"1")))
        assert reply.status == 404
        other = {"Sec-Fetch-Site": "cross-site"}
        reply = await max_.send("POST", address, data=form(token, ("x", b"1")), headers=other)
        assert reply.status == 403
        # what does not come whole
        head = b'--b\r\nContent-Disposition: form-data; name="_xsrf"\r\n\r\n' + token.encode()
        head += b'\r\n--b\r\nContent-Disposition: form-data; name="files"; filename="x"\r\n\r\n'
        kind = "Content-Type: multipart/form-data; boundary=b"
        path = address.removeprefix(PREFIX)
        await raw(max_, f"{path} HTTP/1.1\r\n{kind}\r\nContent-Length: 9999", head, leave=True)
        async with asyncio.timeout(SOON):
            while sorted(home.rglob("*")) != before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        async with realhub.browser() as stranger:
            reply = await stranger.send("POST", address, data=form(token, ("x", b"1")))
            assert reply.status == 403
        assert sorted(home.rglob("*")) == before


async def test_a_home_with_the_same_hash_is_not_theirs(realhub: RealHub) -> None:
    """Both names are `noa-x---554bd32e` in the data directory."""
    noa, other = NAMESAKES
    home = home_of(realhub, noa)
    folder = "of=home&path=projects/octo/tides"
    async with realhub.browser(noa) as theirs, realhub.browser(other) as mine:
        assert "data.csv" in (await theirs.get(f"{PREFIX}files/folder?{folder}")).text
        for page in ("", f"files/folder?{folder}", "files", "files/content?" + folder):
            reply = await mine.get(PREFIX + page)
            assert reply.status == 409 and "Ask the administrator" in reply.text, reply.text
            assert "data.csv" not in reply.text and "Logout" in reply.text
        upload = form(mine.xsrf(), ("x", b"1"))
        reply = await mine.send("POST", f"{PREFIX}files/upload?{folder}", data=upload)
        assert reply.status == 409 and "data.csv" not in reply.text
        assert (await send(mine, "projects/octo/tides", "x", b"1")).status == 409
    assert {each.name for each in (home / "projects/octo/tides").iterdir()} == {"data.csv"}


async def test_volumes_as_far_as_they_are_theirs(realhub: RealHub) -> None:
    users = ("mia-of-folders", "max-of-folders", "moe-of-folders")
    for user in users:
        home_of(realhub, user)
    async with (
        realhub.browser(users[0]) as mia,
        realhub.browser(users[1]) as max_,
        realhub.browser(users[2]) as moe,
    ):
        for each in (mia, max_, moe):
            await signed_in(each)
        volume = (await mia.api("POST", "api/volumes", json={"name": "of-folders"})).json()["id"]
        member = {"user": users[1], "access": "ro"}
        await mia.api("POST", f"api/volumes/{volume}/members", json=member)
        assert (await send(mia, "", "plan.txt", b"ours", volume)).status == 201
        files = DataDirectory(realhub.root / "data").volumes / volume / "files"
        (files / "closed").write_text("SECRET")
        (files / "closed").chmod(0o600)

        told = await look(max_, "", volume)
        assert not told["writable"] and told["volume"] == "of-folders"
        assert (await max_.api("GET", "api/" + content("plan.txt", volume))).text == "ours"
        refused = await send(max_, "", "mine.txt", b"x", volume)
        assert refused.status == 403 and "not change them" in refused.json()["message"]
        page = await max_.get(f"{PREFIX}files/folder?of={volume}&path=")
        assert 'id="upload"' not in page.text
        if os.geteuid() == 0:
            # closed by another member: what the person's own server is refused, they are here
            assert (await mia.api("GET", "api/" + content("closed", volume))).status == 403
        for method, address in (
            ("GET", f"api/files/folder?of={volume}&path="),
            ("GET", "api/" + content("plan.txt", volume)),
            ("POST", "api/" + content("", volume, name="x")),
        ):
            assert (await moe.api(method, address)).status == 404
        assert sorted(path.name for path in files.iterdir()) == ["closed", "plan.txt"]


async def test_without_a_home(realhub: RealHub) -> None:
    async with realhub.browser("new-of-folders") as new:
        await signed_in(new)
        page = await new.get(f"{PREFIX}files/folder?of=home&path=")
        assert page.status == 404 and "first launch makes a place" in page.text


async def test_files_of_any_name_are_had(realhub: RealHub) -> None:
    folder = home_of(realhub, "mia-of-folders") / "odd"
    folder.mkdir()
    names = (b"\xff.txt", b" a\n", b"50%.csv", b"a&b=c+d", "\u202egpj.exe".encode())
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(name)
    own(folder, "mia-of-folders")
    async with realhub.browser("mia-of-folders") as mia:
        await signed_in(mia)
        urls = {entry["name"]: entry["url"] for entry in (await look(mia, "odd"))["entries"]}
        assert set(urls) == {"\\xff.txt", " a\\n", "50%.csv", "a&b=c+d", "\\u202egpj.exe"}
        for name in names:
            url = mia.url(urls[printable(os.fsdecode(name))])
            async with mia.session.get(URL(url, encoded=True)) as reply:
                assert await reply.read() == name
