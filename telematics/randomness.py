"""What the models ask of a source of chance; `runtime.randomness` streams (`random.Random`) have it."""

from typing import Protocol


class RandomStream(Protocol):
    """One repeatable stream of numbers. The pure rooms name this port, so that they import no generator."""

    def random(self) -> float:
        """The next number in [0, 1)."""

    def uniform(self, a: float, b: float, /) -> float:
        """The next number between `a` and `b`."""

    def gauss(self, mu: float, sigma: float, /) -> float:
        """The next number of a normal distribution."""

    def lognormvariate(self, mu: float, sigma: float, /) -> float:
        """The next number whose logarithm is normally distributed with `mu` and `sigma`."""
