"""A till's outbox, as the phone keeps it: what it was told is spendable, and what it accepted without network."""

import hashlib
import json
import uuid
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.makers import NOON, PEPPER, PairedPhone
from tests.town import Town
from vouchers import clock, codes, offline, snapshots
from vouchers.acceptances import Entry
from vouchers.api.till_offline import take_in
from vouchers.guarantee import OfflineRule

RULE = OfflineRule(
    till_count=5,
    till_cents=5_000,
    programme_count=8,
    programme_cents=8_000,
    max_age_minutes=1_440,
    guarantee_cents=2_000,
)


def unpadded(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")


def instant(at: datetime) -> str:
    """As a phone writes it: milliseconds."""
    return clock.iso(at)[:-4] + "Z"


@dataclass
class Outbox:
    """`known`: by prefix, cents and last day; `text` is the entry that was signed last."""

    programme_id: int
    paired: PairedPhone
    known: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    version: str = ""
    salt: bytes = b""
    told: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    text: str = ""

    def hear(self, snapshot: str, signature: bytes | None = None) -> dict[str, Any]:
        """Take over a snapshot, whole or a delta, its signature checked."""
        if signature is not None:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), snapshots.signing_point(PEPPER))
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), snapshot.encode(), ec.ECDSA(SHA256()))
        told: dict[str, Any] = json.loads(snapshot)
        if told["since"] is None:
            self.known = {}
        put, drop = unpadded(told["put"]), unpadded(told["drop"])
        for start in range(0, len(put), 9):
            kept = told["classes"][put[start + 8]]
            self.known[put[start : start + 8]] = (kept["cents"], kept["expires_on"])
        for start in range(0, len(drop), 8):
            self.known.pop(drop[start : start + 8], None)
        self.version, self.salt, self.told = told["version"], unpadded(told["salt"]), told
        return told

    def knows(self, code: str) -> tuple[int, str] | None:
        """What the phone finds for a code without network."""
        return self.known.get(codes.offline_prefix(self.salt, code))

    def accept(self, code: str, *, at: datetime, cents: int = 1_000, **forged: Any) -> Entry:
        """An entry, signed and chained; `forged` values stand instead of the true ones."""
        self.number += 1
        said: dict[str, Any] = {
            "till": self.paired.till.till_id,
            "number": self.number,
            "previous": hashlib.sha256(self.text.encode()).hexdigest() if self.text else "",
            "key": str(uuid.uuid4()),
            "digest": codes.offline_digest(self.salt, code).hex(),
            "cents": cents,
            "cashier": None,
            "snapshot": self.version,
            "scanned_at": instant(at),
        } | forged
        self.text = json.dumps(said)
        return Entry(
            text=self.text,
            signature=self.paired.phone.sign(self.text.encode()),
            code=code,
            number=said["number"],
            previous=said["previous"],
            key=said["key"],
            digest=bytes.fromhex(said["digest"]),
            cents=said["cents"],
            cashier_id=said["cashier"],
            snapshot=said["snapshot"],
            scanned_at=datetime.fromisoformat(said["scanned_at"]),
        )


def sent(entry: Entry) -> dict[str, str]:
    """An entry as it goes over the wire."""
    signature = urlsafe_b64encode(entry.signature).decode().rstrip("=")
    return {"entry": entry.text, "signature": signature, "code": entry.code}


def allow(town: Town, *, at: datetime = NOON, rule: OfflineRule = RULE) -> None:
    """The treasurer lets tills accept without network."""
    town.house.write(offline.allow, programme_id=town.programme_id, rule=rule, actor="staff:103", at=at)


def an_outbox(town: Town, shop: int = 0, *, at: datetime = NOON) -> Outbox:
    """The outbox of a shop's till, with a whole snapshot."""
    outbox = Outbox(town.programme_id, town.phones[shop])
    refresh(town, outbox, at=at)
    return outbox


def refresh(town: Town, outbox: Outbox, *, at: datetime, since: str | None = None) -> dict[str, Any]:
    """Ask for a snapshot, whole or since a version, as the door does."""
    till = outbox.paired.till
    given = town.house.write(offline.lease, programme_id=town.programme_id, till_id=till.till_id, at=at)
    text = town.house.read(
        offline.snapshot,
        programme_id=town.programme_id,
        till_id=till.till_id,
        given=given,
        since=since,
        pepper=PEPPER,
        at=at,
    )
    return outbox.hear(text, snapshots.signed(PEPPER, text))


def bring(town: Town, outbox: Outbox, entry: Entry, *, at: datetime) -> dict[str, Any]:
    """Bring one entry, as the door does; gives what is kept as its answer."""
    till = outbox.paired.till
    return town.house.write(take_in, till=till, entry=entry, pepper=PEPPER, at=at).accepted()
