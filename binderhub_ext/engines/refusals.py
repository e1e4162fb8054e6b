"""What the Hub is told of a start that came to nothing, and shows and hands on."""

from __future__ import annotations

import html

from jupyterhub.spawner import SpawnException

from ..core.carried import carry
from ..core.errors import BinderError
from ..core.sentences import Sentence


def refusal(error: BinderError, page: str) -> SpawnException:
    """An error as the Hub has it.

    Args:
        page: URL of the page where it can be launched again.
    """
    text = f"{error.message}\n\n{error.detail}" if error.detail else error.message
    shown = carry(error.message)
    if error.detail:
        shown += f"<pre>{html.escape(error.detail)}</pre>"
    shown += f' <a href="{html.escape(page)}">{carry(Sentence("Go to the launch page"))}</a>'
    refusal = SpawnException(
        text,
        reason=error.code,
        log_message=error.message,
        message_html=shown,
        status_code=error.status,
    )
    # Under these names the Hub's stream of events finds what to tell.
    refusal.jupyterhub_message, refusal.jupyterhub_html_message = text, shown
    return refusal
