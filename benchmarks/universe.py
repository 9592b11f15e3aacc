"""`python -m benchmarks.universe`: a universe with the full store, in virtual time.

One standing car, one backend, everybody busy: every two minutes the driver orders in the menu and a payer
pays; every other order is refunded at the hotline once its service is active, the rest are cancelled while
somebody is paying and their late capture is returned. What counts is a transaction of the backend.
"""

import argparse
import gc
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from backend_stub.app import Backend
from benchmarks.profile import print_shares, shares
from headunit.sim.simulate import simulate

CYCLE_S = 400.0
"""A cancellation locks the car for five minutes; the next order comes after that."""
TO_ORDER = (
    '["ConnectedDrive", "ConnectedDrive Store", "Real Time Traffic Information", "3 months",'
    ' "Checkout", "Order"]'
)


class CountedBackend(Backend):
    """A backend that counts its transactions, over all worlds."""

    commits = 0

    async def run(self) -> None:
        """As `Backend.run`."""
        self.transactions.on_commit(self._count)
        await super().run()

    @staticmethod
    def _count() -> None:
        CountedBackend.commits += 1


def story(seed: int, orders: int) -> str:
    """A scenario of so many orders, as TOML."""
    parts = [f"seed = {seed}\nstart = 2026-03-02T00:00:00Z\nduration_s = {orders * CYCLE_S + 60}\n"]
    for number in range(orders):
        at_s = 20 + number * CYCLE_S
        parts.append(_step(at_s, 'knob = ["menu"]'))
        parts.append(_step(at_s + 1, f"choose = {TO_ORDER}"))
        if number % 2 == 0:
            parts.append(_step(at_s + 30, "pay = { delay_s = 2 }"))
            parts.append(_step(at_s + 90, 'agent = { do = "request_refund" }'))
            parts.append(_step(at_s + 100, 'agent = { do = "approve_refund" }'))
        else:
            parts.append(_step(at_s + 30, 'payer = { do = "open", provider = "AliPay" }'))
            parts.append(_step(at_s + 40, 'choose = ["Cancel order", "Yes, cancel"]'))
            parts.append(_step(at_s + 60, 'provider = { do = "capture", after_cancel_s = 1.0 }'))
    return "\n".join(parts)


def _step(at_s: float, verb: str) -> str:
    return f"[[script]]\nat_s = {at_s:.3f}\nwithin_s = 60\n{verb}\n"


def rates(seed: int, orders: int) -> tuple[float, float]:
    """Transactions and orders per CPU-second of a universe. Raises SystemExit when a promise is broken."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "universe.toml"
        file.write_text(story(seed, orders), encoding="utf-8")
        before, begun_s = CountedBackend.commits, process_time()
        verdict = simulate(file, make_backend=CountedBackend)
        spent_s = process_time() - begun_s
    if verdict.violations:
        raise SystemExit(f"seed {seed}: {verdict.violations[0].text}")
    return (CountedBackend.commits - before) / spent_s, orders / spent_s


def main(arguments: list[str] | None = None) -> int:
    """Print the rates and the profile."""
    parser = argparse.ArgumentParser(prog="benchmarks.universe", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and orders")
    options, _ = parser.parse_known_args(arguments)
    rounds, orders = (2, 30) if options.quick else (5, 100)
    seen = []
    for seed in range(rounds):
        gc.collect()
        seen.append(rates(seed, orders))
    transactions = median(rate for rate, _ in seen)
    placed = median(rate for _, rate in seen)
    print(f"full store in virtual time  {transactions:8.0f} transactions per CPU-second")
    print(f"                            {placed:8.1f} orders from knob to refund or return per CPU-second")
    print(f"({orders} orders a universe, {rounds} universes); where the time goes:")
    print_shares(shares(lambda: rates(1000, orders)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
