"""What is printed on a voucher, and what the database keeps of it.

The secret code is 128 random bits in base32 (26 characters). The control code, typed by hand beside the serial, is
nine random characters and a check character of an alphabet without look-alikes. The database holds a keyed hash of
each (HMAC-SHA-256, pepper outside the database and its backups): a stolen database cannot be spent.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from stdnum.iso7064 import mod_37_36

CODE_CHARS: Final = 26
CONTROL_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""30 characters, without I L O U 0 1, which are misread or misheard."""
CONTROL_CHARS: Final = 10

_BASE32: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTER_OF_BYTE: Final = bytes(_BASE32[byte % 32] for byte in range(256))
_LAST_LETTER_OF_BYTE: Final = bytes(_BASE32[byte % 8 * 4] for byte in range(256))
_CONTROL_OF_BYTE: Final = bytes(CONTROL_ALPHABET.encode()[byte % 30] for byte in range(256))
_NOT_DRAWN: Final = bytes(range(240, 256))
_CHECK_STEPS: Final = [
    {char: ((state or 30) * 2 % 31 + value) % 30 for value, char in enumerate(CONTROL_ALPHABET)} for state in range(30)
]
"""ISO 7064 MOD 31,30, one step: what `stdnum.iso7064.mod_37_36` computes for this alphabet, ten times faster."""
_CHECK_CHARS: Final = [CONTROL_ALPHABET[(1 - (state or 30) * 2 % 31) % 30] for state in range(30)]


class Secret(NamedTuple):
    """What one voucher says in secret: it exists in memory and on paper, never in the database."""

    code: str
    control_code: str


def new_secrets(quantity: int) -> list[Secret]:
    """`quantity` fresh pairs from the operating system's randomness."""
    return [Secret(*pair) for pair in zip(_new_codes(quantity), _new_control_codes(quantity), strict=True)]


def new_code() -> str:
    """128 random bits as 26 base32 characters."""
    return _new_codes(1)[0]


def new_control_code() -> str:
    """Nine random characters and their ISO 7064 check character (44 bits; typed, online only, throttled)."""
    return _new_control_codes(1)[0]


def _new_codes(quantity: int) -> list[str]:
    # A random byte gives each of 32 letters with the same chance (256 = 8 x 32), so 25 bytes are 125 random bits, and
    # the last letter, one of the 8 whose two spare bits are zero, the other three. Drawn for all codes at once.
    drawn = secrets.token_bytes(CODE_CHARS * quantity)
    letters = bytearray(drawn.translate(_LETTER_OF_BYTE))
    letters[CODE_CHARS - 1 :: CODE_CHARS] = drawn[CODE_CHARS - 1 :: CODE_CHARS].translate(_LAST_LETTER_OF_BYTE)
    text = letters.decode()
    return [text[at : at + CODE_CHARS] for at in range(0, len(text), CODE_CHARS)]


def _new_control_codes(quantity: int) -> list[str]:
    width, body = CONTROL_CHARS - 1, bytearray()
    while len(body) < width * quantity:
        # Bytes from 240 on are thrown away: 30 does not divide 256, and the first letters would come more often.
        body += secrets.token_bytes(width * quantity).translate(_CONTROL_OF_BYTE, _NOT_DRAWN)
    text = body[: width * quantity].decode()
    return [text[at : at + width] + _check_char(text[at : at + width]) for at in range(0, len(text), width)]


def _check_char(body: str) -> str:
    state = len(CONTROL_ALPHABET) // 2
    for char in body:
        state = _CHECK_STEPS[state][char]
    return _CHECK_CHARS[state]


def code_from_text(text: str) -> str | None:
    """The canonical code in what was scanned or sent, lower case accepted; None when it cannot be one of ours."""
    code = text.strip().upper()
    if len(code) != CODE_CHARS or not code.isascii():
        return None
    try:
        bits = base64.b32decode(code + "======")
    except binascii.Error:
        return None
    # 26 characters hold 130 bits: two spare bits must be zero, or one voucher would answer to four texts.
    return code if base64.b32encode(bits).decode().rstrip("=") == code else None


def control_code_from_text(text: str) -> str | None:
    """The canonical control code in what was typed (spaces, dashes and case ignored); None on a typing mistake."""
    typed = text.replace(" ", "").replace("-", "").upper()
    if len(typed) != CONTROL_CHARS or any(char not in CONTROL_ALPHABET for char in typed):
        return None
    return typed if mod_37_36.checksum(typed, alphabet=CONTROL_ALPHABET) == 1 else None


def pretty_control_code(control_code: str) -> str:
    """In two groups of five, as printed."""
    return f"{control_code[:5]} {control_code[5:]}"


def pretty_serial(serial: int) -> str:
    """The public number as printed: at least seven digits, '0004217'."""
    return f"{serial:07d}"


def qr_text(host: str, code: str) -> str:
    """What the QR holds. Upper case for the small encoding; the code after '#', so that no server log sees it."""
    return f"HTTPS://{host.upper()}/#{code}"


def pairing_text(host: str, pairing_code: str) -> str:
    """What the QR of a pairing letter holds."""
    return f"HTTPS://{host.upper()}/TILL/#{pairing_code}"


def training_text(host: str, *, cents: int, number: int) -> str:
    """What the QR of a training voucher holds: no code, so nothing to spend."""
    return f"HTTPS://{host.upper()}/TILL/#TRAINING-{cents}-{number}"


def code_hash(pepper: bytes, code: str) -> bytes:
    """What the database keeps of a code: 32 bytes."""
    return hmac.digest(pepper, b"code\0" + code.encode(), "sha256")


@lru_cache(maxsize=64)
def offline_salt(pepper: bytes, programme_id: int) -> bytes:
    """The 16 bytes that every till of a programme is told, so that it can know a code without network."""
    return HKDF(algorithm=SHA256(), length=16, salt=None, info=f"offline salt {programme_id}".encode()).derive(pepper)


def offline_digest(salt: bytes, code: str) -> bytes:
    """By what a till names a code that it accepted without network: 32 bytes. Its first 8 are in the snapshot."""
    return hashlib.sha256(salt + code.encode("ascii")).digest()


def offline_prefix(salt: bytes, code: str) -> bytes:
    """The first 8 bytes of `offline_digest`: 128 random bits cannot be found back from them."""
    return hashlib.sha256(salt + code.encode("ascii")).digest()[:8]


def control_hash(pepper: bytes, *, programme_id: int, serial: int, control_code: str) -> bytes:
    """What the database keeps of a control code, bound to its serial: 32 bytes."""
    return hmac.digest(pepper, f"control\0{programme_id}\0{serial}\0{control_code}".encode(), "sha256")


def token_hash(session_key: bytes, token: str) -> bytes:
    """What the database keeps of a session, API token or pairing code. Another session key signs everybody out."""
    return hmac.digest(session_key, b"token\0" + token.encode(), "sha256")


def request_hash(pepper: bytes, canonical: bytes) -> bytes:
    """The fingerprint by which a repeated request is known to be the same: 32 bytes.

    Keyed: a body may hold a control code or a first password, which a plain hash would let a thief guess at leisure.
    """
    return hmac.digest(pepper, b"request\0" + canonical, "sha256")


def file_hash(content: bytes) -> str:
    """What a file is recognised by: SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def seal_secrets(pepper: bytes, *, batch: str, chunk: int, secrets_in: list[Secret]) -> bytes:
    """The secrets of one chunk, encrypted until the sheets are handed over (AES-256-GCM, bound to batch and chunk)."""
    plain = "".join(secret.code + secret.control_code for secret in secrets_in).encode()
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(_sealing_key(pepper, batch)).encrypt(nonce, plain, f"{batch}/{chunk}".encode())


def unseal_secrets(pepper: bytes, *, batch: str, chunk: int, sealed: bytes) -> list[Secret]:
    """The secrets sealed by `seal_secrets`. Raises `SealBroken` on another pepper, batch, chunk or any changed byte."""
    try:
        opened = AESGCM(_sealing_key(pepper, batch)).decrypt(sealed[:12], sealed[12:], f"{batch}/{chunk}".encode())
    except InvalidTag:
        raise SealBroken(f"{batch}/{chunk}") from None
    plain, width = opened.decode(), CODE_CHARS + CONTROL_CHARS
    return [
        Secret(plain[at : at + CODE_CHARS], plain[at + CODE_CHARS : at + width]) for at in range(0, len(plain), width)
    ]


def seal_till_secret(pepper: bytes, secret: bytes) -> bytes:
    """What a weak till signs with, encrypted for good (AES-256-GCM, bound to its own SHA-256)."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(_till_sealing_key(pepper)).encrypt(nonce, secret, hashlib.sha256(secret).digest())


def unseal_till_secret(pepper: bytes, *, secret_hash: bytes, sealed: bytes) -> bytes:
    """The secret sealed by `seal_till_secret`. Raises `SealBroken` on another pepper or any changed byte."""
    try:
        return AESGCM(_till_sealing_key(pepper)).decrypt(sealed[:12], sealed[12:], secret_hash)
    except (InvalidTag, ValueError):
        raise SealBroken("a weak till") from None


class SealBroken(Exception):
    """Sealed secrets that this pepper does not open: wrong key, or bytes changed."""


def _sealing_key(pepper: bytes, batch: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"sealed codes {batch}".encode()).derive(pepper)


@lru_cache(maxsize=4)
def _till_sealing_key(pepper: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sealed till secret").derive(pepper)


def base64url(content: bytes) -> str:
    """Base64url without padding: bytes as they stand in a header or an answer."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def new_password() -> str:
    """A first password to be given to a person once: 96 random bits."""
    return secrets.token_urlsafe(12)
