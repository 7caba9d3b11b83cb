"""The tools of `famtree.cli.agent_tools` over stdio, by the official SDK of the protocol."""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from famtree import __version__
from famtree.cli.agent_tools import TOOLS, AgentAnswer, Bounds, answer
from famtree.cli.run import translate
from famtree.errors import FamtreeError
from famtree.formats.error_report import build_error_document
from famtree.formats.table import render

MOST_AT_ONCE = 4
"""Questions that are answered at a time; others wait."""
_GUIDE = (
    "famtree reads metadata of model checkpoints and says what they are. Statuses and confidence "
    "are part of every answer: do not state more than they do."
)


def serve(bounds: Bounds) -> None:
    """Answer until the client closes stdin."""
    # The SDK's reader of stdin cannot be interrupted: Ctrl-C ends the process itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    asyncio.run(_serve(make_server(bounds)))


async def _serve(server: Server[Any]) -> None:
    # Whatever else writes to stdout meanwhile goes to stderr: the SDK sees to it.
    async with stdio_server() as (reader, writer):
        await server.run(reader, writer, server.create_initialization_options())


def make_server(bounds: Bounds) -> Server[Any]:
    """Return a server of all tools that keeps to `bounds`."""
    # Not asyncio's own threads: it would wait for answers that nobody wants any more.
    threads = ThreadPoolExecutor(MOST_AT_ONCE)

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=_describe_tools())

    async def call(_: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, _call, asked, bounds)

    return Server(
        "famtree",
        version=__version__,
        instructions=_GUIDE,
        on_list_tools=list_tools,
        on_call_tool=call,
    )


def _describe_tools() -> list[types.Tool]:
    return [
        types.Tool(
            name=name,
            description=tool.about,
            input_schema=tool.arguments.model_json_schema(),
            annotations=types.ToolAnnotations(
                read_only_hint=True, idempotent_hint=True, open_world_hint=name != "families"
            ),
        )
        for name, tool in TOOLS.items()
    ]


def _call(asked: types.CallToolRequestParams, bounds: Bounds) -> types.CallToolResult:
    try:
        return _publish(answer(asked.name, asked.arguments or {}, bounds))
    except FamtreeError as error:
        return _publish_error(error)
    except Exception as error:  # noqa: BLE001 - a bug is an answer too: the next question stands
        return _publish_error(translate(error))


def _publish(found: AgentAnswer) -> types.CallToolResult:
    content: list[Any] = [types.TextContent(type="text", text=found.text)]
    return types.CallToolResult(content=content, structured_content=found.document)


def _publish_error(error: FamtreeError) -> types.CallToolResult:
    content: list[Any] = [types.TextContent(type="text", text=render("error", error, "text"))]
    return types.CallToolResult(
        content=content, structured_content=build_error_document(error), is_error=True
    )
