"""Where chance comes from: seeded streams that can be repeated, or the operating system's."""

from random import Random, SystemRandom


class SeededRandomness:
    """One generator per purpose, all from one seed; a new purpose does not disturb the others.

    Streams are seeded by the string `"<seed>:<name>"`, which Python hashes with SHA-512, so that
    neither hash randomisation nor the order of first use matters.
    """

    __slots__ = ("_seed", "_streams")

    def __init__(self, seed: str | int) -> None:
        self._seed = seed
        self._streams: dict[str, Random] = {}

    def stream(self, name: str) -> Random:
        """The generator called `name`: the same object for the same name."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Random(f"{self._seed}:{name}")
        return stream


class SystemRandomness:
    """Chance of the operating system, for runs in real time that need not be repeated."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = SystemRandom()

    def stream(self, name: str) -> Random:
        """A generator nobody can seed; `name` makes no difference."""
        return self._stream
