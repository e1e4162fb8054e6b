"""Pictures of strangers: which are shown, and what is found out before any is decoded."""

from __future__ import annotations

import random
import struct
import time
import zlib
from base64 import b64decode
from contextlib import suppress

import pytest

from binderhub_ext.core.catalogue import Listing
from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.pictures import (
    BYTES_MAX,
    JPEG,
    PNG,
    SIDE_MAX,
    WEBP,
    Picture,
    Unfit,
    read_picture,
)


def chunk(name: bytes, content: bytes) -> bytes:
    head = struct.pack(">I", len(content)) + name + content
    return head + struct.pack(">I", zlib.crc32(name + content))


def png(width: int = 3, height: int = 2, extra: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    lines = chunk(b"IDAT", zlib.compress(bytes(min((3 * width + 1) * height, 1000))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + lines + chunk(b"IEND", b"")


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    content = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(content)) + content


# three by two pixels, each as a program wrote it
JPG = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP//////////////////////////////////////////////////"
    "////////////////////////////////////2wBDAf//////////////////////////////////////////"
    "////////////////////////////////////////////wAARCAACAAMDASIAAhEBAxEB/8QAFQABAQAAAAAA"
    "AAAAAAAAAAAAAAL/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAAAQP/xAAUEQEA"
    "AAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCQAo//2Q=="
)
LOSSY = b64decode(
    "UklGRjIAAABXRUJQVlA4ICYAAABwAQCdASoDAAIADMDOJaACdAFAAAD+3FHSXS5Df6u/O36ntgAAAA=="
)
LOSSLESS = b64decode("UklGRhwAAABXRUJQVlA4TA8AAAAvAkAAAAcQ/Y/+ByKi/wEA")
CLEAR = b64decode(
    "UklGRkYAAABXRUJQVlA4WAoAAAAQAAAAAgAAAQAAQUxQSAcAAAAABAQEBAQEAFZQOCAYAAAAMAEAnQEqAwAC"
    "AAzAziWkAANwAP7sHYAA"
)
FRAME = JPG[JPG.index(b"\xff\xc0") :][:19]
SCAN = JPG[JPG.index(b"\xff\xda") : -2]


@pytest.mark.parametrize(
    ("data", "kind"),
    [(png(), PNG), (JPG, JPEG), (LOSSY, WEBP), (LOSSLESS, WEBP), (CLEAR, WEBP)],
)
def test_what_is_shown_and_that_it_is_whole(data: bytes, kind: str) -> None:
    assert read_picture(data) == Picture(kind, 3, 2)
    assert read_picture(data + b"<script>") == Picture(kind, 3, 2), "given out as a picture alone"
    for size in range(len(data)):
        with pytest.raises(Unfit):
            read_picture(data[:size])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<html>" + png(),
        b"GIF89a" + bytes(40),
        png(0),
        png(SIDE_MAX + 1, 1),
        png(2001, 2000),
        png(2**31 - 1, 2**31 - 1),
        png(extra=chunk(b"acTL", bytes(8))),
        png(extra=chunk(b"IHDR", bytes(13))),
        png(extra=b"\xff\xff\xff\xffteXt"),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IEND", b""),
        png(extra=bytes(BYTES_MAX)),
        JPG.replace(b"\xff\xc0", b"\xff\xc3"),
        JPG.replace(FRAME, FRAME + FRAME),
        JPG.replace(FRAME, b""),
        JPG.replace(SCAN, b""),
        JPG.replace(SCAN, SCAN * 40),
        JPG.replace(FRAME[5:9], b"\0\0\0\3"),
        JPG.replace(FRAME[5:9], b"\xff\xff\xff\xff"),
        riff(),
        riff((b"VP8L", LOSSLESS[20:35]), (b"VP8L", LOSSLESS[20:35])),
        riff((b"VP8X", b"\x02" + bytes(9)), (b"VP8L", LOSSLESS[20:35])),
        riff((b"VP8X", bytes(10)), (b"VP8L", LOSSLESS[20:35])),
        riff((b"ANMF", bytes(24)), (b"VP8L", LOSSLESS[20:35])),
        riff((b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(9))),
        riff((b"VP8 ", bytes(20))),
    ],
)
def test_what_is_not(data: bytes) -> None:
    with pytest.raises(Unfit):
        read_picture(data)


def test_nothing_in_one_takes_long_or_breaks_anything() -> None:
    head = b"\xff\xd8" + FRAME
    began = time.process_time()
    for data in (
        b"\xff\xd8" + b"\xff" * (BYTES_MAX - 3) + b"\0",
        head + b"\xff\xda\0\2" + b"\xff" * (BYTES_MAX - 40),
        head + b"\xff\xda\0\2" + b"\xff\0" * 200_000,
        head + b"\xff\xfe\0\2" * 100_000,
        png()[:33] + chunk(b"teXt", b"") * 40_000,
        riff(*[(b"EXIF", b"")] * 60_000),
    ):
        with pytest.raises(Unfit):
            read_picture(data)
    chance = random.Random(1)
    for data in (png(), JPG, LOSSY, LOSSLESS, CLEAR) * 400:
        other = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            other[chance.randrange(len(other))] = chance.choice((0, 1, 0x7F, 0xFF))
        with suppress(Unfit):
            read_picture(bytes(other))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("path", ["../x.png", "a/../../x.png", "https://e.org/x.png", "//e/x.png"])
def test_no_path_leads_out_of_the_repository(path: str) -> None:
    with pytest.raises(BadLink):
        Listing.read("x", picture=path)


def test_what_is_said_of_a_picture() -> None:
    listing = Listing.read("x", picture=" docs/plot.png ", picture_text="The\n tide")
    assert (listing.picture, listing.picture_text) == ("docs/plot.png", "The tide")
    assert Listing.read("x", picture_text="of nothing").picture_text == ""
    with pytest.raises(BadLink):
        Listing.read("x", picture="p.png", picture_text="x" * 121)
