"""Programs leave nothing open, however their work is given up."""

from __future__ import annotations

import asyncio
import gc

from binderhub_ext.programs import capture


def test_who_is_cancelled_again_while_a_program_ends_leaves_no_pipe_open() -> None:
    async def give_up_twice() -> None:
        argv = ["/bin/sh", "-c", "setsid sleep 5 & echo begun >&2; exec sleep 600"]
        begun = asyncio.Event()
        path = {"PATH": "/usr/bin:/bin"}
        work = asyncio.create_task(capture(argv, env=path, tell=lambda _: begun.set()))
        await begun.wait()
        for _ in range(2):
            work.cancel()
            await asyncio.sleep(0.1)

    asyncio.run(give_up_twice())
    gc.collect()
