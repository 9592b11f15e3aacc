"""One run: an order and its payment, and one program that dies in the middle of it and is started again."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from contracts.screen import ScreenSnapshot
from proofs.errors import ProgramEndedError
from proofs.kills.books import Books
from proofs.kills.file_log import Coin, Kept, after_power_cut, put_back
from proofs.kills.people import BACK_TO_CHECKOUT, BOOKED, SERVICE, TO_CHECKOUT, TO_STORE, Driver, pays
from proofs.kills.programs import BrokerKind, Program, Programs, make_programs
from proofs.kills.shim import Point
from runtime.errors import ChannelError
from runtime.randomness import SeededRandomness

PATIENCE_S = 50.0
"""After the kill: longer than the car's own patience with an unanswered synchronisation, thrice."""

LOOK_AGAIN_S = 0.02
QUIET_LOOKS = 4
KILLED = -9
ORDER = "Order with"


class Instant(msgspec.Struct, frozen=True, kw_only=True):
    """Which program dies, and when: at the `index`-th passing of `point`, or `after_s` the press.

    `cut` is what a power cut keeps of what was not synced; empty = kill -9 alone. `seed` draws.
    """

    broker: BrokerKind
    program: str
    point: str = ""
    index: int = 0
    after_s: float = 0.0
    cut: str = ""
    seed: int = 0

    def __str__(self) -> str:
        when = f"{self.point}:{self.index}" if self.point else f"{self.after_s:.3f} s"
        cut = f", power cut keeps {self.cut} (seed {self.seed})" if self.cut else ""
        return f"{self.broker}: {self.program} at {when}{cut}"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one run; instants of recovery are seconds after the kill."""

    instant: Instant | None
    reached: bool
    problems: tuple[str, ...] = ()
    story_s: float = 0.0
    connected_after_s: float = 0.0
    done_after_s: float = 0.0
    counts: dict[str, dict[str, int]] = {}


async def play(
    shim: Path,
    broker: BrokerKind,
    instant: Instant | None = None,
    *,
    mutant: str = "",
    patience_s: float = PATIENCE_S,
) -> Result:
    """Play the story in a folder of its own, with one death or none; `mutant` breaks car and backend."""
    with TemporaryDirectory(prefix="kills-") as name:
        programs = await make_programs(Path(name), shim, broker, mutant)
        run = Run(programs, instant, patience_s)
        try:
            return await run.result()
        finally:
            await run.close()


class Run:
    """One story with its programs."""

    def __init__(self, programs: Programs, instant: Instant | None, patience_s: float) -> None:
        self._programs = programs
        self._instant = instant
        self._patience_s = patience_s
        self._victim = None if instant is None else programs.named(instant.program)
        self._loop = asyncio.get_running_loop()
        self._books = Books(programs.car.state, programs.backend.state)
        self._driver = Driver(programs.socket)
        self._pressed: asyncio.Future[float] = self._loop.create_future()
        self._killed_s: float | None = None
        self._quiet_looks = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._keepers: list[asyncio.Task[None]] = []

    async def result(self) -> Result:
        """The whole story, and what the books say of it."""
        problem = ""
        try:
            await self._or_failure(self._start())
            await self._or_failure(self._act())
        except TimeoutError:
            problem = f"LOST: not done within {self._patience_s:.0f} s; the car shows {self._driver.reads()}"
        except ProgramEndedError as error:
            problem = f"LOST: {error}"
        done_s = self._loop.time()
        counts = {p.name: {k.name: n for k, n in p.control.counts().items()} for p in self._programs.all()}
        connected_s, killed_s = self._connected_s(), self._killed_s
        await self._stop()
        return Result(
            instant=self._instant,
            reached=killed_s is not None,
            problems=(*((problem,) if problem else ()), *self._books.problems()),
            story_s=done_s - self._pressed.result() if self._pressed.done() else 0.0,
            connected_after_s=0.0 if killed_s is None or connected_s is None else connected_s - killed_s,
            done_after_s=0.0 if killed_s is None else done_s - killed_s,
            counts=counts,
        )

    async def close(self) -> None:
        """Leave nothing running."""
        for task in (*self._tasks, *self._keepers):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._keepers, return_exceptions=True)
        await self._driver.get_out()
        for program in self._programs.all():
            program.kill()
            await program.ended()
            program.control.close()

    async def _start(self) -> None:
        """The car comes last, so that its first question is heard: it would ask again after its patience."""
        for program in self._programs.all():
            if program is self._programs.car:
                await _until(lambda: self._programs.backend.control.connected_s is not None)
            await program.start()
            self._keepers.append(asyncio.create_task(self._keep(program)))

    async def _act(self) -> None:
        acts = (self._drive(), pays(self._programs.pages_port), self._kill_by_the_clock())
        self._tasks = [asyncio.create_task(act) for act in acts]
        await asyncio.gather(*self._tasks)
        await self._settled()

    async def _stop(self) -> None:
        """End everything orderly, so that the books can be read."""
        for task in (*self._tasks, *self._keepers):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._keepers, return_exceptions=True)
        for program in self._programs.all():
            program.control.disarm()
        await asyncio.gather(*(program.stop() for program in self._programs.all()))

    async def _or_failure(self, doing: Coroutine[Any, Any, None]) -> None:
        """Wait for the end of `doing`, or of a program that should not end, no longer than patience lasts."""
        act = asyncio.create_task(doing)
        try:
            async with asyncio.timeout(self._patience_s):
                while not act.done():
                    await asyncio.wait(
                        (act, *self._keepers), return_when=asyncio.FIRST_COMPLETED, timeout=1.0
                    )
                    for keeper in self._keepers:
                        if keeper.done():
                            keeper.result()
                await act
        finally:
            act.cancel()
            await asyncio.gather(act, return_exceptions=True)

    # The driver's story

    async def _drive(self) -> None:
        """Order, again if the press has left no trace, then look at Booked Services."""
        while True:
            try:
                await self._driver.sit_down()
                await self._order()
                await self._driver.goes_home()
                for label in (*TO_STORE, "Booked Services"):
                    await self._driver.chooses(label)
                await self._driver.sees(_is_booked)
                return
            except ChannelError:
                await asyncio.sleep(LOOK_AGAIN_S)

    async def _order(self) -> None:
        while not self._books.is_ordered():
            await self._driver.goes_home()
            for label in BACK_TO_CHECKOUT if self._pressed.done() else TO_CHECKOUT:
                await self._driver.chooses(label)
            await self._driver.sees(lambda s: not s.status.locked and _has_order_row(s))
            if not self._pressed.done():
                self._begin()
            await self._driver.chooses(ORDER)
            await self._driver.sees(lambda s: s.screen.startswith("store.order.") or s.banner is not None)

    def _begin(self) -> None:
        """The story begins with the driver's press: what follows is counted."""
        instant = self._instant
        for program in self._programs.all():
            if instant is not None and program is self._victim and instant.point:
                program.control.arm(Point[instant.point], instant.index)
            else:
                program.control.arm()
        self._pressed.set_result(self._loop.time())

    async def _kill_by_the_clock(self) -> None:
        instant, victim = self._instant, self._victim
        if instant is None or victim is None or instant.point:
            return
        await self._pressed
        await asyncio.sleep(instant.after_s)
        self._killed_s = self._loop.time()
        victim.kill()

    # The programs' lives

    async def _keep(self, program: Program) -> None:
        """Start `program` again whenever it is killed."""
        while True:
            code = await program.ended()
            if code != KILLED:
                raise ProgramEndedError(f"{program.name} ended with {code}: {program.last_words()}")
            if program is not self._victim or program.lives > 1:
                raise ProgramEndedError(f"{program.name} was killed, and not by this proof")
            if self._killed_s is None:
                self._killed_s = program.control.killed_s
            program.control.disarm()
            self._cut_power(program)
            for client in self._torn_off(program):
                client.control.forget_connections()
            await program.start()

    def _cut_power(self, program: Program) -> None:
        instant = self._instant
        if instant is None or not instant.cut:
            return
        coin = Coin(SeededRandomness(instant.seed))
        left = after_power_cut(program.state, program.log.read_bytes(), Kept(instant.cut), coin)
        put_back(program.state, left)

    async def _settled(self) -> None:
        """Nothing left to send, everybody connected, and the car of this life shows what is booked."""
        while True:
            lives = self._programs.car.lives
            await _until(self._is_quiet)
            with suppress(ChannelError):
                await self._driver.sees(_is_booked)
                if self._programs.car.lives == lives:
                    return
            await self._drive()

    def _is_quiet(self) -> bool:
        """Whether nothing has waited in an outbox for some looks: a new connection begins with a question."""
        is_away = self._killed_s is not None and self._connected_s() is None
        self._quiet_looks = 0 if is_away or not self._books.are_outboxes_empty() else self._quiet_looks + 1
        return self._quiet_looks > QUIET_LOOKS

    def _torn_off(self, program: Program) -> tuple[Program, ...]:
        """Whose MQTT connection ends with `program`."""
        car, backend = self._programs.car, self._programs.backend
        return {"broker": (car, backend), "telematics": (car,)}.get(program.name, (program,))

    def _connected_s(self) -> float | None:
        """When everybody whose connection the death has ended was connected again."""
        victim = self._victim
        if victim is None or victim.lives < 2:
            return None
        instants = [client.control.connected_s for client in self._torn_off(victim)]
        return max(instant or 0.0 for instant in instants) if all(instants) else None


async def _until(condition: Callable[[], bool]) -> None:
    """Look until it holds: other processes tell nobody here."""
    while True:
        if condition():
            return
        await asyncio.sleep(LOOK_AGAIN_S)


def _has_order_row(screen: ScreenSnapshot) -> bool:
    return any(row.label.startswith(ORDER) and row.selectable for row in screen.rows)


def _is_booked(screen: ScreenSnapshot) -> bool:
    return any(row.label == SERVICE and row.value.startswith(BOOKED) for row in screen.rows)
