"""The pages on a port of this computer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.applications import Starlette

if TYPE_CHECKING:
    from uvicorn import Server


class WebServer:
    """Pages being served at `port`; `close` ends it."""

    def __init__(self, server: "Server", task: "asyncio.Task[None]", port: int) -> None:
        self._server = server
        self._task = task
        self.port = port

    async def close(self) -> None:
        """Finish what is being answered, then listen no more."""
        self._server.should_exit = True
        await self._task


async def serve_web(web: Starlette, host: str = "127.0.0.1", port: int = 0) -> WebServer:
    """Serve `web` in this event loop; port 0 takes a free one.

    Raises ValueError for an address that other computers can reach, OSError when the port is taken.
    """
    if not ip_address(host).is_loopback:
        raise ValueError(f"{host}: the pages are served on this computer only; use 127.0.0.1")
    from uvicorn import Config, Server

    class Quiet(Server):
        """Leaves signals to the program that it runs in."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    # An own listener: uvicorn ends the whole program when it cannot have a port.
    listener = await asyncio.start_server(_refuse, host, port, start_serving=False)
    socket = listener.sockets[0].dup()
    listener.close()
    # From here on connections wait for uvicorn, which begins in the loop's next turns.
    socket.listen()
    bound: int = socket.getsockname()[1]
    server = Quiet(Config(web, log_level="warning", lifespan="off", ws="none", access_log=False))
    task = asyncio.create_task(server.serve(sockets=[socket]), name="backend pages")
    return WebServer(server, task, bound)


def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
