"""Passwords, kept as argon2id (19 MiB, two passes, one lane: the OWASP minimum, 2023).

Hashing takes tens of milliseconds on purpose: it is done before a transaction is opened, never inside one, because
SQLite has one writer. Hence `PasswordHash`: a verb that keeps a password takes what was hashed outside.
"""

import unicodedata
from typing import Final, NewType

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vouchers.errors import BadInput

PasswordHash = NewType("PasswordHash", str)

LEAST_CHARS: Final = 12
MOST_CHARS: Final = 128
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
NOBODYS: Final = PasswordHash(
    "$argon2id$v=19$m=19456,t=2,p=1$z/hykUCUaLjnRjtc5dYWKg$f37xV5MUQNAJkHFYFsZyQSO4N+y4ATrawHFqY0A829w"
)
"""Verified when the account is unknown, so that the time of the answer does not say so. It opens nothing."""


def hashed(password: str) -> PasswordHash:
    """What the database keeps. Refuses `BadInput` under 12 and over 128 characters."""
    if not LEAST_CHARS <= len(password) <= MOST_CHARS:
        raise BadInput(field="password", problem="length", least=LEAST_CHARS, most=MOST_CHARS)
    return PasswordHash(_HASHER.hash(_bytes(password)))


def matches(kept: PasswordHash, password: str) -> bool:
    """Whether `password` is the one kept; as slow for a wrong one as for the right one."""
    try:
        return _HASHER.verify(kept, _bytes(password[:MOST_CHARS])) and len(password) <= MOST_CHARS
    except (VerificationError, InvalidHashError):
        return False


def _bytes(password: str) -> bytes:
    # One é, however the keyboard composes it. Lone surrogates, which no keyboard types, are only made harmless.
    return unicodedata.normalize("NFC", password).encode(errors="replace")
