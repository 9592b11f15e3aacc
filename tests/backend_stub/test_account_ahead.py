"""Passwords are hashed and verified ahead of the transaction, in the executor (R-832, D-34)."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest
from argon2 import extract_parameters

from backend_stub.adapters.password_hasher import LIGHT, Argon2Hasher
from backend_stub.app import Backend, BackendConfig
from backend_stub.errors import BackendError
from backend_stub.service.ports.accounts import PasswordHasher
from contracts.acts import portal
from contracts.bench import AtPortal, SetSms
from contracts.errors import ErrorCode
from runtime.bench_clock import BenchClock
from runtime.disk import FileDisk
from runtime.executor import PoolExecutor
from runtime.ids import SystemIds
from runtime.journal import JournalBook
from runtime.mqtt.port import MqttPortFactory
from runtime.ports import Ids, Runtime
from runtime.randomness import SystemRandomness
from runtime.real_network import RealNetwork
from tests.backend_stub.portal_shop import ALICE, PASSWORD, PortalShop
from tests.backend_stub.shop import START, no_road

pytestmark = pytest.mark.req("R-832")

T = TypeVar("T")
NEW = "another2words"


class BusyExecutor:
    """Work waits here while `is_busy`; it is done on the loop itself, in the order in which it came."""

    is_inline = True

    def __init__(self) -> None:
        self.is_busy = False
        self.runs = 0
        self._free = asyncio.Event()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`, once the executor is free."""
        self.runs += 1
        if self.is_busy:
            await self._free.wait()
        return work()

    def finish(self) -> None:
        """Do what waits."""
        self._free.set()


class NotingHasher(Argon2Hasher):
    """Notes what it has verified against."""

    def __init__(self, ids: Ids) -> None:
        super().__init__(ids, LIGHT)
        self.seen: list[str] = []

    def verify(self, kept: str, password: str) -> bool:
        """Whether the password is right."""
        self.seen.append(kept)
        return super().verify(kept, password)


class NotingBackend(Backend):
    """A backend with such a hasher."""

    def make_hasher(self, ids: Ids) -> PasswordHasher:
        """The hasher."""
        self.hasher = NotingHasher(ids)
        return self.hasher


@pytest.fixture
def executor() -> BusyExecutor:
    """Where the shop's passwords are worked on."""
    return BusyExecutor()


@pytest.fixture
def au(executor: BusyExecutor) -> Iterator[PortalShop]:
    """A shop in Australia in which Alice has an account."""

    def make(runtime: Runtime, config: BackendConfig, make_port: MqttPortFactory) -> Backend:
        return NotingBackend(replace(runtime, executor=executor), config, make_port)

    shop = PortalShop("AU", make_backend=make)
    shop.registered(linked=False)
    yield shop
    shop.close()


def login(password: str, user: str = ALICE) -> AtPortal:
    """Somebody logs in."""
    return AtPortal(act=portal.Login(user=user, password=password))


def overtaken(shop: PortalShop, executor: BusyExecutor, password: str) -> ErrorCode | None:
    """What becomes of a login that is being verified while Alice chooses another password."""

    async def story() -> ErrorCode | None:
        executor.is_busy = True
        verifying = asyncio.create_task(shop.backend.handle(login(password)))
        await asyncio.sleep(0)
        executor.is_busy = False
        await shop.backend.handle(AtPortal(act=portal.ChoosePassword(user=ALICE, password=NEW)))
        assert not verifying.done()
        executor.finish()
        try:
            await verifying
        except BackendError as error:
            return error.code
        return None

    return shop.run(story())


def test_others_are_served_while_a_login_is_being_verified(au: PortalShop, executor: BusyExecutor) -> None:
    async def story() -> None:
        executor.is_busy = True
        verifying = asyncio.create_task(au.backend.handle(login(PASSWORD)))
        await asyncio.sleep(0)
        await au.backend.handle(SetSms(delay_ms=5, lost=False))
        assert not verifying.done()
        executor.finish()
        await verifying

    before = au.last_seq()
    au.run(story())
    assert au.backend.store.settings.get("sms_delay_ms", 0) == 5
    assert au.is_logged_in(ALICE)
    assert au.last_seq() == before


def test_an_old_password_does_not_open_an_account_whose_password_has_just_changed(
    au: PortalShop, executor: BusyExecutor
) -> None:
    assert overtaken(au, executor, PASSWORD) is ErrorCode.BAD_CREDENTIALS
    assert au.account(ALICE).failures == 1


def test_a_new_password_opens_it_though_it_was_tried_on_the_old_hash(
    au: PortalShop, executor: BusyExecutor
) -> None:
    assert overtaken(au, executor, NEW) is None


@pytest.mark.parametrize("user", [ALICE, "nobody"])
def test_a_wrong_password_and_an_unknown_name_cost_the_same_and_are_answered_alike(
    au: PortalShop, user: str
) -> None:
    assert isinstance(au.backend, NotingBackend)
    seen = au.backend.hasher.seen
    seen.clear()
    with pytest.raises(BackendError) as refusal:
        au.command(login("wrong 1 word", user))
    [kept] = seen
    assert extract_parameters(kept) == extract_parameters(au.account(ALICE).password_hash)
    assert str(refusal.value) == "BAD_CREDENTIALS: name or password is wrong"


def test_nothing_is_hashed_that_can_be_no_password(au: PortalShop, executor: BusyExecutor) -> None:
    before = executor.runs
    assert au.refuses(portal.ChoosePassword(user=ALICE, password="short")) is ErrorCode.BAD_PASSWORD
    assert executor.runs == before


def test_two_who_choose_one_password_have_hashes_of_their_own(au: PortalShop) -> None:
    au.registered("bob", linked=False)
    assert au.account("bob").password_hash != au.account(ALICE).password_hash


class PatientHasher(Argon2Hasher):
    """Verifies no sooner than the loop has said that it goes on; gives up after ten seconds."""

    def __init__(self, ids: Ids) -> None:
        super().__init__(ids, LIGHT)
        self.loop_goes_on = Event()

    def verify(self, kept: str, password: str) -> bool:
        """Whether the password is right, and the loop was free meanwhile."""
        return self.loop_goes_on.wait(10) and super().verify(kept, password)


class PatientBackend(Backend):
    """A backend with such a hasher."""

    def make_hasher(self, ids: Ids) -> PasswordHasher:
        """The hasher."""
        self.hasher = PatientHasher(ids)
        return self.hasher


async def test_in_real_time_the_loop_goes_on_while_a_login_is_being_verified(tmp_path: Path) -> None:
    clock = BenchClock(START)
    pool = PoolExecutor()
    runtime = Runtime(
        clock=clock,
        network=RealNetwork(),
        executor=pool,
        randomness=SystemRandomness(),
        ids=SystemIds(),
        disk=FileDisk(tmp_path),
        journal=JournalBook(clock.now_ms, clock.transport_ns).actor("backend"),
    )
    backend = PatientBackend(runtime, BackendConfig(market="AU"), no_road)
    await backend.handle(AtPortal(act=portal.Register(user=ALICE, password=PASSWORD)))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(backend.handle(login(PASSWORD)))
        await asyncio.sleep(0)
        backend.hasher.loop_goes_on.set()
    account = backend.store.accounts.called(ALICE)
    assert account is not None
    assert backend.store.sessions.is_open(account.account_id, portal.PortalClient.PORTAL, START)
    backend.store.close()
    pool.close()
