"""Start Binder@home on this machine."""

from __future__ import annotations

from ..config.check import settings_in_words


def main(argv: list[str]) -> int | None:
    from ..up.app import Up

    # Not `launch_instance`: the one Application of this process is to be JupyterHub's.
    with settings_in_words():
        command = Up()
        command.initialize(argv)
        command.start()
    return None
