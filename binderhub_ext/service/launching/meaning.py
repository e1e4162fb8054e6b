"""What an order is for: whether two of them are for the same. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from ...core.contents import place_of
from ...core.launch import LaunchRequest
from .orders import LaunchOrder


def same(one: LaunchOrder, other: LaunchOrder) -> bool:
    return _meant(one) == _meant(other)


def opened(request: LaunchRequest) -> Hashable:
    """What of a server a request opens."""
    return request.target, request.filepath, request.urlpath, request.extra


def _meant(order: LaunchOrder) -> tuple[object, ...]:
    """What an order is for, however its link names the repository and whatever it opens."""
    rest = replace(
        order.request, repo=None, content=(), target="", filepath="", urlpath="", extra=()
    )
    meant = [
        (source.repo.identity, source.repo.in_the_clear, source.ref, place_of(source))
        for source in order.request.sources
    ]
    return (meant, rest, order.keep, order.build_only, order.prepull, order.notebook)
