"""What a person does on our pages, wherever the hub runs."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def sign_in(page: Page, hub: str, user: str, password: str) -> None:
    """Sign in as a person does, and end up on our main page.

    Args:
        hub: address of the Hub, without a slash at its end.
    """
    page.goto(hub)
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{hub}/services/binder/")
    page.get_by_role("heading", name="Open a repository").wait_for()


def stop_server(page: Page, hub: str, title: str) -> Locator:
    """Stop a server on the main page, as a person does; gives its row."""
    page.goto(f"{hub}/services/binder/")
    row = page.locator("#work li").filter(has_text=title)
    row.locator(".binder-menu > summary").click()
    row.get_by_role("button", name="Stop").click()
    expect(row.get_by_role("button", name="Open")).to_be_visible()
    return row
