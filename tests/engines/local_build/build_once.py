"""One build in a process of its own; says what is told, and `IMAGE` at its end."""

from __future__ import annotations

import asyncio
import pickle
import sys

from binderhub_ext.core.errors import BinderError
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.local.build import LocalBuilder


async def main() -> None:
    data, source, options = pickle.loads(bytes.fromhex(sys.argv[1]))
    builder = LocalBuilder(data_dir=data, **options)
    try:
        image = await builder.build(await builder.plan(source), source, tell)
        print(f"IMAGE {image.name}", flush=True)
    except BinderError as error:
        print(f"{type(error).__name__}: {error.message}\n{error.detail}")


def tell(event: Event) -> None:
    print(event.message, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
