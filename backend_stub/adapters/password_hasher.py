"""Passwords as Argon2id hashes (RFC 9106), each with a salt of its own (R-832)."""

from base64 import b64encode
from dataclasses import dataclass

from runtime.ports import Ids

HASH_BYTES = 32

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one hash costs, in the parameters of RFC 9106, section 3.1."""

    passes: int
    memory_kib: int
    lanes: int = 1


SOUND = Argon2Cost(passes=2, memory_kib=19 * 1024)
"""What OWASP's Password Storage Cheat Sheet asks of Argon2id at least."""

LIGHT = Argon2Cost(passes=1, memory_kib=8)
"""The least the algorithm allows: in virtual time a week of logins must not cost a minute."""


class Argon2Hasher:
    """The PasswordHasher port. Salts come from `ids`, so that a run in virtual time can be repeated."""

    def __init__(self, ids: Ids, cost: Argon2Cost) -> None:
        self._ids = ids
        self._cost = cost

    @property
    def decoy(self) -> str:
        """What no password is the one of, at the cost of a hash that is made now.

        It is a hash in form alone (RFC 9106 has no string for it; this is that of the reference code), all
        zero, so that whoever would find a password to it has broken the function.
        """
        salt, made = (b64encode(bytes(size)).rstrip(b"=").decode() for size in (SALT_BYTES, HASH_BYTES))
        cost = self._cost
        return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${made}"

    def salt(self) -> bytes:
        """A salt that nobody has had before."""
        return bytes.fromhex(self._ids.key())

    def hash(self, password: str, salt: bytes) -> str:
        """A hash that can be kept; it names its own parameters."""
        from argon2.low_level import Type, hash_secret

        return hash_secret(
            password.encode(),
            salt,
            time_cost=self._cost.passes,
            memory_cost=self._cost.memory_kib,
            parallelism=self._cost.lanes,
            hash_len=HASH_BYTES,
            type=Type.ID,
        ).decode("ascii")

    def verify(self, kept: str, password: str) -> bool:
        """Whether `password` is the one of a hash that was kept; False for a hash that is none."""
        from argon2.exceptions import InvalidHashError, VerificationError
        from argon2.low_level import Type, verify_secret

        try:
            return verify_secret(kept.encode("ascii"), password.encode(), Type.ID)
        except (InvalidHashError, VerificationError):
            return False
