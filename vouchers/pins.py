"""Four digits: they say who stands at a till, or let a redemption be undone. They attribute, they do not authenticate.

Every till of the shop holds salted copies, so that a cashier signs on without network, and whoever holds a copy has
tried all ten thousand in minutes. The hash only keeps the digits, which people use elsewhere too, from being read in
passing. PBKDF2 because every browser has it. It takes tens of milliseconds: never inside a transaction.
"""

import hashlib
import re
import secrets
from typing import Final, NamedTuple

from vouchers.errors import BadInput

ITERATIONS: Final = 50_000
SALT_BYTES: Final = 16
_PIN: Final = re.compile(r"[0-9]{4}", re.ASCII)


class PinHash(NamedTuple):
    """What is kept of a PIN."""

    salt: bytes
    hash: bytes


def hashed(pin: str, *, field: str) -> PinHash:
    """What is kept of four digits, under a fresh salt. Refuses `BadInput`."""
    if _PIN.fullmatch(pin) is None:
        raise BadInput(field=field, problem="four_digits")
    salt = secrets.token_bytes(SALT_BYTES)
    return PinHash(salt, derived(pin, salt=salt))


def derived(pin: str, *, salt: bytes) -> bytes:
    """PBKDF2-HMAC-SHA256 of what was typed: 32 bytes."""
    return hashlib.pbkdf2_hmac("sha256", pin.encode(errors="replace"), salt, ITERATIONS)
