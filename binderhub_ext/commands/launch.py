"""Launch any link on a hub, here or elsewhere, or a folder of this machine, and open it.

A folder (`./my-project`) is offered to one person of the hub that runs here with our own data
directory, and seen by their server as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import webbrowser
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ..client import TOKEN_VARIABLES, Client, Started, find_token
from ..core.errors import BinderError, NotAllowed
from ..core.launch import LaunchRequest
from ..core.layout import DataDirectory
from ..core.links import write_link
from ..core.paste import understand
from ..folders import offer
from ..up import datadir, signin

DEFAULT_HUB = "http://127.0.0.1:8000"
HUB_VARIABLE = "BINDER_AT_HOME_HUB"
FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

_LOG_TAIL = 40
_BAR = 24


def main(argv: list[str]) -> int:
    """Launch, and tell how it goes.

    Returns:
        0 when it is ready, 1 when it failed, 2 when the link cannot be understood, 130 when it
        was interrupted (and given up).
    """
    options = _parser().parse_args(argv)
    try:
        return _launch(options)
    except BinderError as error:
        if options.json:
            print(json.dumps({"phase": "failed", **error.to_dict()}), flush=True)
        else:
            print(f"{error.message} ({error.code})", file=sys.stderr)
        return BAD_INPUT if error.status == 400 else FAILED


def _launch(options: argparse.Namespace) -> int:
    text = " ".join(options.link)
    if folder := _folder(text):
        return _launch_folder(folder, options)
    return _follow(text, Client(options.hub, find_token(options.hub)), options)


def _folder(text: str) -> Path | None:
    """The folder that is meant, there or not; `None` for a link."""
    path = Path(text)
    if text.startswith("/"):
        return path if path.exists() or "/v2/" not in text else None
    plain = not re.search(r"[/:]", text) and path.is_dir()
    return path if plain or re.match(r"\.{1,2}/|~", text) else None


def _launch_folder(folder: Path, options: argparse.Namespace) -> int:
    """Offer a folder, and launch it; without a token, lead to the page that does."""
    layout = _data_directory(options)
    try:
        client = Client(options.hub, find_token(options.hub))
    except NotAllowed:
        client = None
    user = options.user or (client.person() if client else signin.user_name())
    link = write_link(LaunchRequest(offer(layout, folder, user).repo))
    if client:
        return _follow(link, client, options)
    page = Client(options.hub, "").absolute(link)
    print(
        f"Sign in as {user} and launch it there (with a token, it starts from here):",
        file=sys.stderr,
    )
    _arrive(page, options)
    return 0


def _data_directory(options: argparse.Namespace) -> DataDirectory:
    """That of the hub, which has to be ours and on this machine: nobody else may offer a folder.

    Raises:
        NotAllowed: it is neither.
    """
    if not Client(options.hub, "").on_this_machine:
        raise NotAllowed(
            "{hub} is on another machine, which cannot see your folders. Launch a repository there,"
            " or start Binder@home here with scripts/up.",
            hub=options.hub,
        )
    root = Path(options.data_dir or datadir.default_data_dir()).expanduser().absolute()
    layout = DataDirectory(root)
    if not layout.secrets.is_dir() or root.stat().st_uid != os.geteuid():
        raise NotAllowed(
            "{root} is not a data directory of yours, and only the owner of a hub's can open"
            " folders there. Start Binder@home with scripts/up, or name its data directory with"
            " --data-dir.",
            root=root,
        )
    return layout


def _follow(text: str, client: Client, options: argparse.Namespace) -> int:
    """Launch a link, and tell how it goes."""
    if options.build_only:
        started = client.start_build(write_link(understand(text).request))
    else:
        started = client.start(text)
    try:
        last = _told(client.events(started), options)
    except KeyboardInterrupt:
        return _give_up(client, started)
    if last.get("phase") != "ready":
        return FAILED
    if not options.build_only:
        _arrive(client.absolute(str(last["url"])), options)
    return 0


def _told(events: Iterator[dict[str, Any]], options: argparse.Namespace) -> dict[str, Any]:
    """Show events as they come; the last one."""
    show = _Json(sys.stdout) if options.json else _People(sys.stderr, options.log)
    last: dict[str, Any] = {}
    for last in events:
        show.event(last)
    return last


def _arrive(url: str, options: argparse.Namespace) -> None:
    if not options.json:
        print(url)
    if not options.no_browser and not options.json and sys.stdout.isatty():
        webbrowser.open(url)


def _give_up(client: Client, started: Started) -> int:
    client.cancel(started)
    print("\nGiven up.", file=sys.stderr)
    return INTERRUPTED


class _Json:
    """One event, one line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def event(self, event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), file=self._out, flush=True)


class _People:
    """A bar that moves on a terminal, lines elsewhere; the log when wanted, or at a failure."""

    def __init__(self, out: TextIO, with_log: bool) -> None:
        self._out = out
        self._with_log = with_log
        self._tail: deque[str] = deque(maxlen=_LOG_TAIL)
        self._moving = out.isatty()

    def event(self, event: dict[str, Any]) -> None:
        message = _printable(str(event.get("message", "")))
        if event.get("phase") in ("failed", "failure"):
            self._fail(message, event)
        elif event.get("log"):
            self._tail.append(message)
            if self._with_log:
                self._line(message)
        else:
            self._status(int(event.get("progress", 0)), message)

    def _status(self, percent: int, message: str) -> None:
        if not self._moving:
            self._line(f"{percent:3}% {message}")
            return
        full = _BAR * percent // 100
        text = f"[{'#' * full}{'.' * (_BAR - full)}] {percent:3}% {message}"
        self._write(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}")
        if percent == 100:
            self._write("\n")

    def _fail(self, message: str, event: dict[str, Any]) -> None:
        if not self._with_log:
            for line in self._tail:
                self._line(line)
        code = event.get("code", "")
        self._line(f"{message} ({code})" if code else message)
        if detail := str(event.get("detail", "")):
            self._line("\n".join(map(_printable, detail.splitlines())))

    def _line(self, text: str) -> None:
        self._write(f"\r\x1b[K{text}\n" if self._moving else f"{text}\n")

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _printable(text: str) -> str:
    """A line of somebody's build log, without what would command the terminal."""
    return "".join(
        c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text.rstrip()
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="binder-at-home launch",
        description=__doc__,
        epilog=f"The token is read from {' or '.join(TOKEN_VARIABLES)}, or from the keyring.",
    )
    parser.add_argument(
        "link", nargs="+", help="anything the paste box takes, or a folder of this machine (./name)"
    )
    parser.add_argument(
        "--hub",
        default=os.environ.get(HUB_VARIABLE, DEFAULT_HUB),
        help=f"address of the hub (default: {HUB_VARIABLE}, or {DEFAULT_HUB})",
    )
    parser.add_argument(
        "--build-only",
        action="store_true",
        help="build the environment without starting a server, where the hub allows that",
    )
    parser.add_argument("--json", action="store_true", help="print each event as a line of JSON")
    parser.add_argument("--log", action="store_true", help="show the build log as it comes")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    folder = parser.add_argument_group("folders of this machine")
    folder.add_argument("--data-dir", help="of the hub, if `up` was given one")
    folder.add_argument(
        "--user",
        help="who may open it, as the hub calls them (default: whose the token is, or who you are)",
    )
    return parser
