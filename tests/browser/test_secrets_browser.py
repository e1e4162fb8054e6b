"""Somebody's secrets, from the settings to a real sandbox: there, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from homehub import HomeHub
from patience import START_MS
from playwright.sync_api import Page, expect

HUSH = "hush-c0ffee-1"
KEY = "-----BEGIN KEY-----\nhush-c0ffee-2\n-----END KEY-----\n"
PARTS = (b"hush-c0ffee-1", b"hush-c0ffee-2")


def test_what_is_ticked_is_in_the_server_and_nowhere_else(
    home_hub: HomeHub, page: Page, artifacts: Path
) -> None:
    home_hub.sign_in(page, "jonas")
    page.goto(f"{home_hub.main_page}settings")
    for name, value in (("API_KEY", HUSH), ("KEY_FILE", KEY), ("NOT_TICKED", HUSH)):
        page.get_by_label("Name of the variable").fill(name)
        page.get_by_label("Secret", exact=True).fill(value)
        page.get_by_label("Give it as a file").set_checked(name == "KEY_FILE")
        page.locator("form", has=page.locator("#secret-name")).get_by_role("button").click()
        expect(page.locator("#secrets-title ~ ul .binder-row-title", has_text=name)).to_be_visible()
    assert HUSH not in page.content()
    page.screenshot(path=artifacts / "secrets-stored.png", full_page=True)

    names = "&".join(f"secrets={name}" for name in ("API_KEY", "KEY_FILE", "NOT_TICKED"))
    page.goto(f"{home_hub.main_page}v2/shipped/scratch?server=given&{names}")
    for name in ("API_KEY", "KEY_FILE"):
        expect(page.get_by_label(name)).not_to_be_checked()
        page.get_by_label(name).check()
    page.screenshot(path=artifacts / "secrets-asked.png", full_page=True)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/jonas/given/**", timeout=START_MS)
    first = server_of("jonas", "given")
    assert seen(first) == {"API_KEY": HUSH, "KEY_FILE": KEY}

    # what starts it again gives it what its launch gave
    row = home_hub.stop_server(page, "given")
    expect(row).to_contain_text("has your secrets API_KEY, KEY_FILE")
    row.get_by_role("button", name="Open").click()
    page.wait_for_url("**/user/jonas/given/**", timeout=START_MS)
    again = server_of("jonas", "given")
    assert again != first and seen(again) == {"API_KEY": HUSH, "KEY_FILE": KEY}

    assert commands_that_say_it() == []
    assert files_that_say_it(home_hub) == []
    home_hub.stop_server(page, "given")


def server_of(user: str, server: str) -> Path:
    """The process of a server, as this machine sees it: the innermost that has its address."""
    mark = f"JUPYTERHUB_SERVICE_PREFIX=/user/{user}/{server}/".encode()
    found = [
        process
        for process in Path("/proc").glob("[0-9]*")
        if mark in read(process / "environ").split(b"\0")
        and b"jupyterhub-singleuser" in read(process / "cmdline")
        and b"bwrap" not in read(process / "cmdline")
    ]
    return max(found, key=lambda process: int(process.name))


def seen(process: Path) -> dict[str, str]:
    """What of these a server was given: by its environment and what that leads to."""
    pairs = (pair.partition(b"=") for pair in read(process / "environ").split(b"\0"))
    environment = {name.decode(): value.decode() for name, _, value in pairs if name}
    names = [name for name in ("API_KEY", "KEY_FILE", "NOT_TICKED") if name in environment]
    values = {name: environment[name] for name in names}
    path = values["KEY_FILE"]
    values["KEY_FILE"] = (process / "root" / path.lstrip("/")).read_text()
    return values


def commands_that_say_it() -> list[bytes]:
    commands = [read(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [command for command in commands if any(part in command for part in PARTS)]


def files_that_say_it(hub: HomeHub) -> list[Path]:
    """Files of the hub, its log and its databases among them, that have a secret in clear."""
    files = [path for path in hub.root.parent.rglob("*") if path.is_file()]
    return [path for path in files if any(part in read(path) for part in PARTS)]


def read(path: Path) -> bytes:
    """What is in a file; nothing if it is gone or is not ours to read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
