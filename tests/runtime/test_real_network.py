"""Sockets of this machine: what one turn of the loop is allowed to take."""

import asyncio
import socket

from runtime.ports import Stream
from runtime.real_network import RealNetwork

COMING = 50


async def test_many_that_connect_at_once_leave_the_others_their_turn() -> None:
    """A few dozen are accepted in a turn of the loop, all of them in the end."""
    accepted: list[Stream] = []
    listener = await RealNetwork().listen("127.0.0.1", 0, accepted.append)
    clients = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(COMING)]
    in_turns = []
    while len(accepted) < COMING:
        before = len(accepted)
        await asyncio.sleep(0)
        in_turns.append(len(accepted) - before)
    for each in (*clients, *accepted):
        each.close()
    listener.close()
    assert max(in_turns) <= 20
