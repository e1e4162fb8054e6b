"""Carry connections between two places that cannot reach each other.

Used where there is no pasta: the sandbox has a network of its own with nothing in it, and two
of these, one on each side, carry the server's port in and the Hub's port out over a Unix
socket. Run by path with the standard library alone.

Usage: relay.py [--while-stdin] LISTEN=CONNECT…

LISTEN and CONNECT are `tcp:PORT` on 127.0.0.1, `unix:PATH`, or for LISTEN `fd:NUMBER`, a Unix
socket that listens already.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from collections.abc import Awaitable, Callable
from contextlib import suppress

CHUNK = 1 << 18

Handler = Callable[[Reader, Writer], Awaitable[None]]


async def listen(address: str, handler: Handler) -> asyncio.Server:
    kind, _, rest = address.partition(":")
    if kind == "fd":
        return await asyncio.start_unix_server(handler, sock=socket.socket(fileno=int(rest)))
    if kind == "unix":
        server = await asyncio.start_unix_server(handler, rest)
        os.chmod(rest, 0o666)  # noqa: PTH101
        return server
    return await asyncio.start_server(handler, "127.0.0.1", int(rest))


async def connect(address: str) -> tuple[Reader, Writer]:
    kind, _, rest = address.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(rest)
    return await asyncio.open_connection("127.0.0.1", int(rest))


async def copy(reader: Reader, writer: Writer) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


def carry_to(address: str) -> Handler:
    async def handler(reader: Reader, writer: Writer) -> None:
        try:
            there_reader, there_writer = await connect(address)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))
        finally:
            writer.close()
            there_writer.close()

    return handler


async def main(arguments: list[str]) -> None:
    end = asyncio.Event()
    if arguments[0] == "--while-stdin":
        arguments = arguments[1:]
        asyncio.get_running_loop().add_reader(0, end.set)
    for pair in arguments:
        there, _, target = pair.partition("=")
        await listen(there, carry_to(target))
    await end.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1:]))
