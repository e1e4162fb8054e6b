"""Run the Hub alone, with its proxy and the service elsewhere, as on a cluster."""

from __future__ import annotations

from ..config.check import settings_in_words


def main(argv: list[str]) -> int | None:
    from ..up.apart import HubApart

    # Not `launch_instance`: the one Application of this process is to be JupyterHub's.
    with settings_in_words():
        command = HubApart()
        command.initialize(argv)
        command.start()
    return None
