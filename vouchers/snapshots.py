"""What a till is told of spendable vouchers, before it is without network: its version, its packing, its signature.

The version of a snapshot is a text that the house alone can make, and that says what was promised with it: which till
of which programme, up to which journal, when, and how many vouchers and cents may be accepted on it for how long. A
till signs it into each acceptance, so what was promised is known when the acceptance arrives, whatever the rule has
become since.

A voucher is 9 bytes: the first 8 of its digest (`codes.offline_prefix`) and the number of its class, which is what it
holds and its last day. 200 000 vouchers are 1.8 MB.
"""

import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vouchers import clock
from vouchers.codes import base64url

MOST_CLASSES: Final = 255
"""A class is one byte, and 255 stays free."""
_CURVE: Final = ec.SECP256R1()
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_VERSION: Final = re.compile(r"(?:[0-9]{1,19}\.){7}[A-Za-z0-9_-]{22}", re.ASCII)


class Class(NamedTuple):
    """Vouchers that hold the same until the same last day."""

    cents: int
    expires_on: date


@dataclass(frozen=True, slots=True)
class Version:
    """What a till was promised: `most_count` vouchers and `most_cents`, accepted until `max_age_minutes` after `at`.

    `journal`: whatever happened after it may be missing in the snapshot.
    """

    programme_id: int
    till_id: int
    journal: int
    at: datetime
    most_count: int
    most_cents: int
    max_age_minutes: int

    def text(self, pepper: bytes) -> str:
        """The version as a till carries it."""
        said = ".".join(str(part) for part in (
            self.programme_id, self.till_id, self.journal, clock.micros(self.at), self.most_count, self.most_cents,
            self.max_age_minutes,
        ))  # fmt: skip
        return f"{said}.{_mac(pepper, said)}"


def version_of(pepper: bytes, text: str) -> Version | None:
    """The version that `text` is; None when this house did not make it."""
    if _VERSION.fullmatch(text) is None:
        return None
    said, _, mac = text.rpartition(".")
    if not hmac.compare_digest(mac, _mac(pepper, said)):
        return None
    programme_id, till_id, journal, micros, count, cents, minutes = (int(part) for part in said.split("."))
    return Version(programme_id, till_id, journal, clock.from_micros(micros), count, cents, minutes)


def _mac(pepper: bytes, said: str) -> str:
    return base64url(hmac.digest(pepper, f"snapshot version\0{said}".encode(), "sha256")[:16])


def signing_point(pepper: bytes) -> bytes:
    """The public half of the key that signs snapshots: an uncompressed point of P-256, 65 bytes."""
    return _signing_key(pepper).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def signed(pepper: bytes, text: str) -> bytes:
    """The signature of a snapshot: 64 bytes r‖s over its UTF-8."""
    r, s = decode_dss_signature(_signing_key(pepper).sign(text.encode(), ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@lru_cache(maxsize=4)
def _signing_key(pepper: bytes) -> ec.EllipticCurvePrivateKey:
    # 16 bytes more than the order has, so that no key is likelier than another (FIPS 186-5, A.2.1).
    drawn = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"snapshot signing key").derive(pepper)
    return ec.derive_private_key(int.from_bytes(drawn, "big") % (_ORDER - 1) + 1, _CURVE)


def packed(
    version: Version,
    *,
    pepper: bytes,
    salt: bytes,
    since: str | None,
    classes: Sequence[Class],
    put: Iterable[bytes],
    drop: Iterable[bytes],
) -> str:
    """The snapshot as it is signed and sent. `put`: 9 bytes each; `drop`: 8; both are sorted here."""
    text: dict[str, Any] = {
        "programme_id": version.programme_id,
        "version": version.text(pepper),
        "since": since,
        "at": clock.iso(version.at),
        "salt": base64url(salt),
        "classes": [{"cents": each.cents, "expires_on": each.expires_on.isoformat()} for each in classes],
        "put": base64url(b"".join(sorted(put))),
        "drop": base64url(b"".join(sorted(drop))),
        "most_count": version.most_count,
        "most_cents": version.most_cents,
        "max_age_minutes": version.max_age_minutes,
    }
    return json.dumps(text, separators=(",", ":"))
