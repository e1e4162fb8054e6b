"""What a browser has to fetch for the main page when it comes for the first time."""

from __future__ import annotations

from typing import Any

from homehub import HomeHub
from patience import wait_until
from playwright.sync_api import Page

LIMIT = 230_000
"""Bytes: a third of what it was with the Hub's stylesheet and scripts as the Hub sends them, the
libraries that these load, and the font of its icons."""


def test_the_main_page_is_light(home_hub: HomeHub, page: Page) -> None:
    home_hub.sign_in(page, "nora")  # who has little work; maria has as many rows as a page shows
    came: dict[str, int] = {}
    addresses: dict[str, str] = {}
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def answered(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = event["response"]["url"]

    def ended(event: dict[str, Any]) -> None:
        came[addresses.get(event["requestId"], "")] = event["encodedDataLength"]

    client.on("Network.responseReceived", answered)
    client.on("Network.loadingFinished", ended)

    def came_with_scripts() -> bool:
        page.wait_for_timeout(500)
        return any("/home.js" in address for address in came)

    page.goto(home_hub.main_page, wait_until="load")
    wait_until(came_with_scripts, came)
    assert sum(came.values()) < LIMIT, came
    theirs = [address for address in came if "/hub/static/" in address]
    assert theirs == [], "the Hub sends its files unpacked"
