"""Pictures of strangers' repositories: which are shown, found out of their bytes alone. Pure.

They are shown as they are, and nothing here decodes one: whoever looks has a browser that does so
in a sandbox. A picture has to be whole, of a kind that is shown, and no film, and what it takes to
make it visible has to be bounded by what stands at its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BYTES_MAX = 512 * 1024
SIDE_MAX = 4096
PIXELS_MAX = 4_000_000
"""Decoded, each takes four bytes of whoever looks."""

_SCANS_MAX = 32
"""Of a JPEG: each is another look at all of its pixels."""

_SEGMENTS_MAX = 4096

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
_PNG, _JPEG, _RIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF"
_FRAMES = {0xC0, 0xC1, 0xC2}
_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _ALONE = 0xDA, 0xD9, {0x01, *range(0xD0, 0xD8)}
_MARKER = re.compile(rb"\xff++[^\x00\xff]", re.DOTALL)
_NEXT = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_ANIMATED = 0x02


class Unfit(ValueError):
    """A picture that is not shown."""


@dataclass(frozen=True)
class Picture:
    """A picture that is shown.

    Attributes:
        kind: its media type.
        width, height: in pixels.
    """

    kind: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def read_picture(data: bytes) -> Picture:
    """What a file shows.

    Raises:
        Unfit: it is none of the kinds that are shown, is not whole, moves, or is too large.
    """
    if len(data) > BYTES_MAX:
        raise Unfit("too many bytes")
    picture = measured(data)
    if not (0 < picture.width <= SIDE_MAX and 0 < picture.height <= SIDE_MAX):
        raise Unfit("too large")
    if picture.pixels > PIXELS_MAX:
        raise Unfit("too many pixels")
    return picture


def measured(data: bytes) -> Picture:
    """The same of a file of any size.

    Raises:
        Unfit: it is none of the kinds that are shown, is not whole, or moves.
    """
    try:
        return _read(data)
    except (IndexError, ValueError) as error:
        raise Unfit(str(error) or "not whole") from error


def _read(data: bytes) -> Picture:
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data.startswith(_RIFF) and data[8:12] == b"WEBP":
        return _webp(data)
    raise Unfit("of no kind that is shown")


def _png(data: bytes) -> Picture:
    chunks = dict[bytes, bytes]()
    for count, (name, content) in enumerate(_png_chunks(data)):
        if (name == b"IHDR") != (count == 0) or name == b"acTL":
            raise Unfit("no single picture")
        chunks.setdefault(name, content)
    if b"IDAT" not in chunks or len(chunks[b"IHDR"]) != 13:
        raise Unfit("nothing in it")
    return Picture(PNG, _big(chunks[b"IHDR"], 0, 4), _big(chunks[b"IHDR"], 4, 4))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    for _ in range(_SEGMENTS_MAX):
        size, name = _big(data, at, 4), data[at + 4 : at + 8]
        content = _part(data, at + 8, size)
        _part(data, at + 8 + size, 4)
        yield name, content
        at += 12 + size
        if name == b"IEND":
            return
    raise Unfit("too many parts")


def _jpeg(data: bytes) -> Picture:
    frame, scans, at = None, 0, 2
    for _ in range(_SEGMENTS_MAX):
        found = _MARKER.match(data, at)
        if not found:
            raise Unfit("no marker where one has to be")
        kind, at = data[found.end() - 1], found.end()
        if kind == _END:
            break
        if kind in _ALONE:
            continue
        segment = _part(data, at + 2, _big(data, at, 2) - 2)
        at += 2 + len(segment)
        if kind in _OTHER_FRAMES or (kind in _FRAMES and frame):
            raise Unfit("of no kind that is shown")
        if kind in _FRAMES:
            frame = Picture(JPEG, _big(segment, 3, 2), _big(segment, 1, 2))
        elif kind == _SCAN:
            scans += 1
            following = _NEXT.search(data, at)
            if frame is None or scans > _SCANS_MAX or not following:
                raise Unfit("too many scans, or not whole")
            at = following.start()
    if frame is None or not scans or kind != _END:
        raise Unfit("not whole")
    return frame


def _webp(data: bytes) -> Picture:
    pictures: list[Picture] = []
    canvas: Picture | None = None
    for name, content in _webp_chunks(data):
        if name == b"VP8X":
            canvas = Picture(WEBP, _little(content, 4, 3) + 1, _little(content, 7, 3) + 1)
            if content[0] & _ANIMATED:
                raise Unfit("it moves")
        elif name in (b"ANIM", b"ANMF"):
            raise Unfit("it moves")
        elif name == b"VP8 ":
            pictures.append(_vp8(content))
        elif name == b"VP8L":
            pictures.append(_vp8l(content))
    if len(pictures) != 1 or (canvas and canvas != pictures[0]):
        raise Unfit("no single picture")
    return pictures[0]


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = 8 + _little(data, 4, 4)
    whole, at = _part(data, 0, end), 12
    for _ in range(_SEGMENTS_MAX):
        if at >= end:
            return
        size = _little(whole, at + 4, 4)
        yield whole[at : at + 4], _part(whole, at + 8, size)
        at += 8 + size + size % 2
    raise Unfit("too many parts")


def _vp8(content: bytes) -> Picture:
    if content[0] & 1 or content[3:6] != b"\x9d\x01\x2a":
        raise Unfit("not whole")
    return Picture(WEBP, _little(content, 6, 2) & 0x3FFF, _little(content, 8, 2) & 0x3FFF)


def _vp8l(content: bytes) -> Picture:
    bits = _little(content, 1, 4)
    if content[0] != 0x2F or bits >> 29:
        raise Unfit("not whole")
    return Picture(WEBP, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)


def _part(data: bytes, at: int, size: int) -> bytes:
    part = data[at : at + size] if size >= 0 else b""
    if size < 0 or len(part) != size:
        raise Unfit("not whole")
    return part


def _big(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(_part(data, at, size), "big")


def _little(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(_part(data, at, size), "little")
