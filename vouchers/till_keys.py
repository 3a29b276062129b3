"""What a till signs with: an ECDSA P-256 key that cannot leave the phone or, on a phone that keeps no key, a secret.

Such a phone (a private window, iOS Lockdown Mode) is called weak, in every list: its 32 random bytes can be copied off
it. It signs the same lines with HMAC-SHA-256. The house must know the secret to verify, and keeps it sealed under the
pepper, so that a stolen database signs nothing; `public_key` is then the secret's SHA-256.
"""

import hashlib
import hmac
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from vouchers import codes
from vouchers.errors import BadInput, SignatureInvalid

PUBLIC_KEY_BYTES: Final = 65
SIGNATURE_BYTES: Final = 64
WEAK_SECRET_BYTES: Final = 32
WEAK_SIGNATURE_BYTES: Final = 32
_ECDSA: Final = ec.ECDSA(SHA256())
_NOBODYS_POINT: Final = ec.derive_private_key(1, ec.SECP256R1()).public_key()
"""For the time it takes; what it verifies is refused all the same."""


class TillKey(NamedTuple):
    """The house's half of a till's key. `weak_secret`: sealed, and only of a weak one."""

    public_key: bytes
    weak_secret: bytes | None


def strong_key(public_key: bytes) -> TillKey:
    """The key of a phone that keeps one: an uncompressed point of P-256 (65 bytes). Refuses `BadInput`."""
    _point(public_key)
    return TillKey(public_key, None)


def weak_key(secret: bytes, *, pepper: bytes) -> TillKey:
    """The key of a phone that keeps none: 32 random bytes. Refuses `BadInput`."""
    if len(secret) != WEAK_SECRET_BYTES:
        raise BadInput(field="secret", problem="not_a_till_secret")
    return TillKey(hashlib.sha256(secret).digest(), codes.seal_till_secret(pepper, secret))


def verify(key: TillKey | None, *, message: bytes, signature: bytes, pepper: bytes) -> None:
    """That the phone with this key signed `message`. Refuses `SignatureInvalid`; None, for a till that is not, always.

    What is computed depends on the signature's length alone: neither the answer nor its time tells which tills there
    are, or which are weak.
    """
    if len(signature) == SIGNATURE_BYTES:
        fits = key is not None and key.weak_secret is None
        _verify_point(_point(key.public_key) if key is not None and fits else _NOBODYS_POINT, message, signature)
    elif len(signature) == WEAK_SIGNATURE_BYTES:
        fits = key is not None and key.weak_secret is not None
        shown, sealed = key if key is not None and fits else _nobodys_secret(pepper)
        secret = codes.unseal_till_secret(pepper, secret_hash=shown, sealed=sealed or b"")
        if not hmac.compare_digest(hmac.digest(secret, message, "sha256"), signature):
            raise SignatureInvalid
    else:
        fits = False
    if not fits:
        raise SignatureInvalid


def _verify_point(key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> None:
    half = SIGNATURE_BYTES // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    try:
        key.verify(encode_dss_signature(r, s), message, _ECDSA)
    except InvalidSignature:
        raise SignatureInvalid from None


@lru_cache(maxsize=4_096)
def _point(public_key: bytes) -> ec.EllipticCurvePublicKey:
    try:
        if len(public_key) != PUBLIC_KEY_BYTES:
            raise ValueError
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    except ValueError:
        raise BadInput(field="public_key", problem="not_a_public_key") from None


@lru_cache(maxsize=4)
def _nobodys_secret(pepper: bytes) -> TillKey:
    return weak_key(bytes(WEAK_SECRET_BYTES), pepper=pepper)
