"""The edges of an event loop in virtual time: virtual descriptors; every door to the real world is shut."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, NoReturn, Protocol, TypeVar, TypeVarTuple, Unpack

from runtime.errors import FenceError

_WAY_OUT = "use runtime's Network, Executor or Disk"


T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ExceptionHandler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]

FIRST_VIRTUAL_FD = 1_000_000
"""Virtual descriptors start here, above what a process may open."""


class Pollable(Protocol):
    """What the loop wants of a virtual stream: it calls the handle itself whenever it is ready."""

    def watch_read(self, callback: Callable[[], object] | None, context: Context | None) -> bool:
        """Have `callback` called while readable; None ends that. Returns whether one was set before."""

    def watch_write(self, callback: Callable[[], object] | None, context: Context | None) -> bool:
        """Have `callback` called while writable; None ends that. Returns whether one was set before."""


def _refuse(name: str, *, is_async: bool) -> Any:
    def refuse(self: object, *args: object, **kwargs: object) -> NoReturn:
        raise FenceError(f"loop.{name} reaches out of virtual time; {_WAY_OUT}")

    async def refuse_async(self: object, *args: object, **kwargs: object) -> NoReturn:
        refuse(self)

    return refuse_async if is_async else refuse


class FencedLoop(asyncio.AbstractEventLoop):
    """An event loop whose doors to sockets, processes, pipes, signals and resolvers are closed."""

    def __init__(self) -> None:
        self._pollables: dict[int, Pollable] = {}
        self._next_fd = FIRST_VIRTUAL_FD
        self._exception_handler: ExceptionHandler | None = None

    def get_debug(self) -> bool:
        """Never in debug mode: it measures wall time."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """Does nothing: there is no slow callback in virtual time."""

    def get_task_factory(self) -> None:
        """Always None: tasks are asyncio's own."""
        return None

    def run_in_executor(
        self, executor: object, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call `func` inline at this instant, as a callback of its own; there are no threads."""
        future: asyncio.Future[T] = asyncio.Future(loop=self)

        def work() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                future.set_exception(error)

        self.call_soon(work)
        return future

    async def shutdown_default_executor(self) -> None:
        """Nothing: work in the executor is done when it is asked for."""

    def get_exception_handler(self) -> ExceptionHandler | None:
        """What `set_exception_handler` set."""
        return self._exception_handler

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Have `handler` told of failures in place of ending the run."""
        self._exception_handler = handler

    def register(self, stream: Pollable) -> int:
        """A descriptor number for `stream`, never used again on this loop."""
        fd = self._next_fd
        self._next_fd = fd + 1
        self._pollables[fd] = stream
        return fd

    def unregister(self, fd: int) -> None:
        """`fd` is closed."""
        self._pollables.pop(fd, None)

    def _pollable(self, fd: Any) -> Pollable | None:
        number = fd if isinstance(fd, int) else fd.fileno()
        stream = self._pollables.get(number)
        if stream is None and 0 <= number < FIRST_VIRTUAL_FD:
            raise FenceError(f"{fd!r} is a descriptor of the real world; open streams with runtime's Network")
        return stream

    def _open_pollable(self, fd: Any) -> Pollable:
        stream = self._pollable(fd)
        if stream is None:
            raise ValueError(f"{fd!r} is closed")
        return stream

    def add_reader(self, fd: Any, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> None:
        """Call `callback` while stream or virtual descriptor `fd` has bytes, its end or an error to read.

        Raises FenceError for a descriptor of the real world, ValueError for a closed stream.
        """
        watcher = (lambda: callback(*args)) if args else callback
        self._open_pollable(fd).watch_read(watcher, copy_context())

    def remove_reader(self, fd: Any) -> bool:
        """End `add_reader`; whether there was one."""
        stream = self._pollable(fd)
        return stream is not None and stream.watch_read(None, None)

    def add_writer(self, fd: Any, callback: Callable[[Unpack[Ts]], Any], *args: *Ts) -> None:
        """Call `callback` while stream or virtual descriptor `fd` takes bytes or has an error to tell."""
        watcher = (lambda: callback(*args)) if args else callback
        self._open_pollable(fd).watch_write(watcher, copy_context())

    def remove_writer(self, fd: Any) -> bool:
        """End `add_writer`; whether there was one."""
        stream = self._pollable(fd)
        return stream is not None and stream.watch_write(None, None)

    # The doors

    connect_accepted_socket = _refuse("connect_accepted_socket", is_async=True)
    connect_read_pipe = _refuse("connect_read_pipe", is_async=True)
    connect_write_pipe = _refuse("connect_write_pipe", is_async=True)
    create_connection = _refuse("create_connection", is_async=True)
    create_datagram_endpoint = _refuse("create_datagram_endpoint", is_async=True)
    create_server = _refuse("create_server", is_async=True)
    create_unix_connection = _refuse("create_unix_connection", is_async=True)
    create_unix_server = _refuse("create_unix_server", is_async=True)
    getaddrinfo = _refuse("getaddrinfo", is_async=True)
    getnameinfo = _refuse("getnameinfo", is_async=True)
    sendfile = _refuse("sendfile", is_async=True)
    sock_accept = _refuse("sock_accept", is_async=True)
    sock_connect = _refuse("sock_connect", is_async=True)
    sock_recv = _refuse("sock_recv", is_async=True)
    sock_recv_into = _refuse("sock_recv_into", is_async=True)
    sock_recvfrom = _refuse("sock_recvfrom", is_async=True)
    sock_recvfrom_into = _refuse("sock_recvfrom_into", is_async=True)
    sock_sendall = _refuse("sock_sendall", is_async=True)
    sock_sendfile = _refuse("sock_sendfile", is_async=True)
    sock_sendto = _refuse("sock_sendto", is_async=True)
    start_tls = _refuse("start_tls", is_async=True)
    subprocess_exec = _refuse("subprocess_exec", is_async=True)
    subprocess_shell = _refuse("subprocess_shell", is_async=True)
    add_signal_handler = _refuse("add_signal_handler", is_async=False)
    remove_signal_handler = _refuse("remove_signal_handler", is_async=False)
    set_default_executor = _refuse("set_default_executor", is_async=False)
    set_task_factory = _refuse("set_task_factory", is_async=False)
