"""Threads that do things with the same orders at once, and the books afterwards."""

import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier, Thread
from typing import Final

from backend_stub.errors import BackendError, ConcurrentChangeError
from backend_stub.service.audit import BackendAudit
from headunit.sim.checkers import (
    PAID_STATES,
    Evidence,
    no_entitlement_without_payment,
    no_payment_taken_twice,
    no_refund_beyond_its_line,
)
from proofs.races.people import Person, Town
from proofs.races.stack import Stack
from runtime.randomness import SeededRandomness
from runtime.stopwatch import Stopwatch

THREADS: Final = 8


@dataclass(slots=True)
class Outcome:
    """What a crowd did, what it was refused, and what is wrong."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    orders: int = 0
    states: Counter[str] = field(default_factory=Counter)
    money: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def race(seed: int, operations: int, folder: Path, database: str = "") -> Outcome:
    """Let eight threads do `operations` things in all, on a file in `folder` or on a server's `database`."""
    outcome = Outcome()
    town = Town()
    stacks = [Stack(f"{seed}:{n}", folder, database) for n in range(THREADS)]
    start = Barrier(THREADS)
    watch = Stopwatch()

    def live(n: int) -> None:
        person = Person(SeededRandomness(seed).stream(f"person {n}"), town)
        start.wait()
        for _ in range(operations // THREADS):
            _do_something(person, stacks[n], town, outcome)

    threads = [Thread(target=live, args=(n,), name=f"racer {n}") for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = round(watch.elapsed_s(), 1)
    books = stacks[0].backend.audit()
    for stack in stacks:
        stack.close()
    outcome.wrongs += wrongs_of(books, town)
    outcome.money = money_of(books)
    outcome.orders = len(books.orders)
    outcome.states = Counter(str(order.state) for order in books.orders)
    return outcome


def _do_something(person: Person, stack: Stack, town: Town, outcome: Outcome) -> None:
    name = person.next()
    try:
        stack.do(lambda: person.habits[name][1](stack.backend), town.now_ms)
        outcome.done[name] += 1
    except ConcurrentChangeError as error:
        # One writer at a time: nobody can have changed what was read in the same transaction.
        outcome.wrongs.append(f"{name}: {error}")
    except BackendError as error:
        outcome.refused[error.code] += 1
    except Exception:
        outcome.wrongs.append(f"{name}: {traceback.format_exc(limit=-6)}")


def wrongs_of(books: BackendAudit, town: Town) -> list[str]:
    """Where the books do not agree with the rules, with themselves or with what providers have taken."""
    seen = Evidence(books, (), (), 0)
    checkers = (no_payment_taken_twice, no_refund_beyond_its_line, no_entitlement_without_payment)
    wrongs = [f"[{each.rule}] {each.text}" for checker in checkers for each in checker(seen)]
    entered = Counter(entry.transaction_id for entry in books.ledger)
    wrongs += [f"{name} is in the ledger {times} times" for name, times in entered.items() if times != 1]
    taken = {name: each.captured_minor for name, each in town.taken.items()}
    heard = {entry.transaction_id: entry.captured_minor for entry in books.ledger}
    if taken != heard:
        wrongs.append(f"providers took {sum(taken.values())}, the ledger knows of {sum(heard.values())}")
    money = money_of(books)
    if money["taken"] != money["returned"] + money["paid"]:
        wrongs.append(f"the ledger does not balance: {money}")
    kept = Counter(entry.order_number for entry in books.ledger if entry.returned_minor == 0)
    wrongs += [f"{number} was paid {times} times" for number, times in kept.items() if times > 1]
    return wrongs


def money_of(books: BackendAudit) -> dict[str, int]:
    """Where all money is, in minor units: taken = returned + paid; what was refunded had been paid."""
    return {
        "taken": sum(entry.captured_minor for entry in books.ledger),
        "returned": sum(entry.returned_minor for entry in books.ledger),
        "paid": sum(order.amount_minor for order in books.orders if order.state in PAID_STATES),
        "refunded": sum(order.refunded_minor for order in books.orders),
    }
