"""What a password must be, and how secrets are kept: only what cannot be read back (D-34, R-832)."""

from hashlib import sha256

from backend_stub.errors import BackendError
from contracts.errors import ErrorCode

MIN_LENGTH = 8

MAX_LENGTH = 128
"""Longer ones are refused, so that nobody keeps the hasher busy with a book."""


def is_password(password: str) -> bool:
    """Whether this can be a password: eight characters at least, a letter and a digit among them (D-34)."""
    has_both = any(map(str.isalpha, password)) and any(map(str.isdigit, password))
    return has_both and MIN_LENGTH <= len(password) <= MAX_LENGTH


def check_password(password: str) -> None:
    """Raises BackendError with BAD_PASSWORD for what can be no password (D-34)."""
    if not is_password(password):
        raise BackendError(
            ErrorCode.BAD_PASSWORD, "a password has eight characters or more, with a letter and a digit"
        )


def digest(token: str) -> str:
    """What is kept of a token. It is random, so it needs no salt and no slow hash."""
    return sha256(token.encode()).hexdigest()
