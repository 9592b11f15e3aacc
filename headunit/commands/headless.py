"""The bench without a menu: says where it can be reached, then waits to be told to end."""

import asyncio
import signal

from contracts.bench import BenchInfo, Subscribe
from headunit.commands.bench_child import BenchChild
from headunit.commands.errors import CommandError

_INTERRUPTED = 130


async def run_headless(child: BenchChild) -> int:
    """Until SIGINT (130) or SIGTERM (0). Raises CommandError when the bench dies."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()
    for number, code in ((signal.SIGINT, _INTERRUPTED), (signal.SIGTERM, 0)):
        loop.add_signal_handler(number, _answer, asked, code)
    serving = asyncio.create_task(_serve(child))
    try:
        await asyncio.wait((asked, serving), return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            return asked.result()
        serving.result()
        return 0
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await child.close()


def _answer(asked: asyncio.Future[int], code: int) -> None:
    if not asked.done():
        asked.set_result(code)


async def _serve(child: BenchChild) -> None:
    client = await child.open()
    await client.request(Subscribe(reports=("bench_info",)))
    async for report in client.reports():
        if isinstance(report, BenchInfo):
            print(f"bench   {child.socket}", flush=True)
            print(f"broker  {report.broker}", flush=True)
            if report.phone_url:
                print(f"phone   {report.phone_url}", flush=True)
            print("Ctrl-C ends it.", flush=True)
    gone = await child.ended()
    raise CommandError("\n".join([f"the bench has stopped. {gone}", *gone.lines, f"log: {gone.log}"]))
