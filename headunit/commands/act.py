"""Do something at the backend of a running bench, as somebody in the Portal, an agent, a dealer, BMW's desk,
a payer or a payment provider.

WHO and WHAT are as in the [[script]] of a scenario file; fields follow as NAME=VALUE, lists and tables as
JSON. A field left out is what the person would truthfully say. `headunit act --list` shows all.
"""

import argparse
import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headunit.commands.configuration import Settings, state_path
from headunit.commands.errors import CommandError

EXAMPLES = """\
examples:
  headunit act --list agent
  headunit act payer open order=CN-000001 provider=AliPay
  headunit act provider capture after_order_s=86400.001
  headunit act agent request_refund order=CN-000001 'services=["RTTI"]'
  headunit act dealer deactivate confirmed=true

exit codes:
  0 done   1 refused, and why   2 no bench answers, or there is no such act
"""

_REFUSED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `headunit act`."""
    parser.add_argument("who", nargs="?", metavar="WHO", help="portal, agent, dealer, bmw, payer or provider")
    parser.add_argument("what", nargs="?", metavar="WHAT", help="the act")
    parser.add_argument("fields", nargs="*", metavar="NAME=VALUE", help="what it is about")
    parser.add_argument("--list", action="store_true", help="show the acts there are, of WHO or of everybody")
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", help="bench channel (default: that of this user's bench)"
    )


def main(args: argparse.Namespace) -> int:
    """Do it: 0, or 1 when a rule refuses it."""
    if args.list or args.who is None:
        for line in listing(args.who):
            print(line)
        return 0
    command = parse_act(args.who, args.what or "", args.fields)
    socket = args.socket or state_path(Settings(), os.environ) / "bench.sock"
    return asyncio.run(_tell(command, socket))


def listing(who: str | None = None) -> Iterator[str]:
    """Every act as a line, with its fields, below who does it and what it is for. Raises CommandError."""
    import inspect

    import msgspec

    for person, acts in _acts().items():
        if who not in (None, person):
            continue
        yield f"{person}:"
        for name, act in acts.items():
            fields = sorted(msgspec.structs.fields(act), key=lambda field: not field.required)
            words = [
                f"{field.encode_name}=…" if field.required else f"[{field.encode_name}=…]" for field in fields
            ]
            purpose = (inspect.getdoc(act) or "").splitlines()[0]
            yield f"  {name} {' '.join(words)}\n      {purpose}"
    if who is not None and who not in _acts():
        raise CommandError(f"nobody is called {who!r}; there are {', '.join(_acts())}")


def parse_act(who: str, what: str, fields: Sequence[str]) -> Any:
    """The bench command of one act. Raises CommandError naming what is wrong and what there is."""
    import msgspec

    from contracts.bench import BackendCommand

    people = _acts()
    if who not in people:
        raise CommandError(f"nobody is called {who!r}; there are {', '.join(people)}")
    if what not in people[who]:
        raise CommandError(f"{who} does not know {what!r}; there are {', '.join(people[who])}")
    act: dict[str, object] = {"do": what}
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals:
            raise CommandError(f"{field!r} is not NAME=VALUE")
        act[name] = _value(value)
    try:
        return msgspec.convert({"command": who, "act": act}, BackendCommand, strict=False)
    except msgspec.ValidationError as error:
        hint = f"`headunit act --list {who}` shows its fields"
        raise CommandError(f"{who} {what}: {str(error).replace('$.act.', '')}; {hint}") from None


def _value(text: str) -> object:
    """Lists and tables as JSON; any other word becomes what its field wants."""
    if not text.startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no JSON: {error}") from None


def _acts() -> dict[str, dict[str, Any]]:
    """Acts by person and name."""
    import typing

    import msgspec

    from contracts import bench

    people: dict[str, dict[str, Any]] = {}
    for command in typing.get_args(bench.BackendCommand):
        if "act" not in command.__struct_fields__:
            continue
        [act] = [field.type for field in msgspec.structs.fields(command) if field.name == "act"]
        kinds = typing.get_args(act) or (act,)
        people[command.__struct_config__.tag] = {kind.__struct_config__.tag: kind for kind in kinds}
    return people


async def _tell(command: Any, socket: Path) -> int:
    import sys

    from runtime.bench_channel import ChannelClient
    from runtime.errors import CommandRefused

    channel = await ChannelClient.connect(socket)
    try:
        await channel.request(command)
    except CommandRefused as refused:
        print(f"{refused.code}: {refused.detail}", file=sys.stderr)
        return _REFUSED
    finally:
        channel.close()
    return 0
