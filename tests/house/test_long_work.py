"""Long work is awaited and tells what happens: no generator of events, no `yield` in a time limit.

A generator is suspended at a `yield` for as long as it pleases whoever iterates over it, so a time
limit around one measures somebody else's work, and may end it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import binderhub_ext

ROOT = Path(binderhub_ext.__file__).parent
SOURCES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted(ROOT.rglob("*.py"))}
EVENTS = re.compile(r"Async(?:Iterator|Generator|Iterable)\[Event")
LIMITS = {"timeout", "timeout_at"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def yields_within_limits(sources: dict[str, str]) -> list[str]:
    """Where a `yield` stands in the block of a time limit, also of one that a function gives."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    functions = [
        node
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, Function) and node.returns
    ]
    limits = LIMITS | {node.name for node in functions if "Timeout" in ast.unparse(node.returns)}
    return [
        f"{name}:{found.lineno}"
        for name, tree in trees.items()
        for block in ast.walk(tree)
        if isinstance(block, ast.AsyncWith) and any(map(limits.__contains__, _entered(block)))
        for found in _of_this_function(block)
        if isinstance(found, ast.Yield | ast.YieldFrom)
    ]


def _entered(block: ast.AsyncWith) -> Iterator[str]:
    """Names of the functions whose results a block is entered with."""
    for item in block.items:
        if isinstance(item.context_expr, ast.Call):
            yield ast.unparse(item.context_expr.func).rpartition(".")[2]


def _of_this_function(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.Lambda):
            yield child
            yield from _of_this_function(child)


def test_nothing_yields_events() -> None:
    assert [name for name, text in SOURCES.items() if EVENTS.search(text)] == []


def test_nothing_yields_within_a_time_limit() -> None:
    assert yields_within_limits(SOURCES) == []


WRONG = """
def within_time() -> asyncio.Timeout:
    return asyncio.timeout(1)

async def lines():
    async with within_time(), aclosing(more()) as lines:
        async for line in lines:
            yield line
    async with asyncio.timeout(1):
        yield "late"
"""

RIGHT = """
async def lines():
    async with asyncio.timeout(1):
        def numbers():
            yield 1
        text = await read(numbers)
    yield text
"""


def test_the_rule_itself() -> None:
    assert yields_within_limits({"wrong": WRONG, "right": RIGHT}) == ["wrong:8", "wrong:10"]
