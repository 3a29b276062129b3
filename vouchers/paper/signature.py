"""An electronic signature on a finished PDF: whoever opens it sees that nothing was changed since, and by whose key.

The signature covers every byte of the file but itself (ISO 32000-1, 12.8: ByteRange, SubFilter adbe.pkcs7.detached).
It is RSA (PKCS#1 v1.5) over SHA-256 without signed attributes, because those would carry the instant of signing: so
the same file and key give the same bytes. It is no advanced signature (PAdES) and has no time stamp: what proves the
day is the journal, which keeps the hash of the signed file. A chamber that wants a qualified one signs again with its
own tool; that adds a second signature and leaves this one standing.
"""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pikepdf
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import Certificate
from pikepdf import Array, Dictionary, Name, String

_ROOM: Final = 12_000
"""Bytes kept for the signature and its certificates; more for a chain that is longer than any that is usual."""
_BESIDE: Final = 3_000
"""Of a signature, beside its certificates: the key's own result, and who issued what."""
_FAR: Final = 9_999_999_999
"""Ten digits, put in the place of each length until it is known."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of ours, its certificate, and those that lead from it to a root."""

    key: RSAPrivateKey
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()


class SignatureTooLong(Exception):
    """The certificates do not fit into the place kept for them: an internal alarm, the file is not handed out."""


def signed(pdf: bytes, *, signer: Signer, at: datetime, name: str, reason: str) -> bytes:
    """`pdf` signed as a whole, dated `at` (aware). Raises `SignatureTooLong`."""
    room = _room(signer)
    prepared = _prepared(pdf, room=room, at=at, name=name, reason=reason)
    kept, empty = b"[ 0 %d %d %d ]" % (_FAR, _FAR, _FAR), b"<" + b"00" * room + b">"
    # Both together, and so long, because a name that the file holds may look like either.
    place = b"/ByteRange " + kept + b" /Contents " + empty
    assert prepared.count(place) == 1, "one place for the lengths and the signature"
    lengths = prepared.index(place) + len(b"/ByteRange ")
    ends = lengths - len(b"/ByteRange ") + len(place)
    begins = ends - len(empty)
    ranges = b"[ 0 %d %d %d ]" % (begins, ends, len(prepared) - ends)
    whole = prepared[:lengths] + ranges.ljust(len(kept)) + prepared[lengths + len(kept) :]
    proof = _proof(whole[:begins] + whole[ends:], signer)
    if len(proof) > room:
        raise SignatureTooLong(f"{len(proof)} bytes for {room}")
    return whole[: begins + 1] + proof.hex().encode().ljust(2 * room, b"0") + whole[ends - 1 :]


def _room(signer: Signer) -> int:
    certificates = (signer.certificate, *signer.chain)
    return max(_ROOM, sum(len(one.public_bytes(Encoding.DER)) for one in certificates) + _BESIDE)


def _proof(content: bytes, signer: Signer) -> bytes:
    made = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(signer.certificate, signer.key, SHA256())
    for certificate in signer.chain:
        made = made.add_certificate(certificate)
    options = [
        pkcs7.PKCS7Options.Binary,
        pkcs7.PKCS7Options.DetachedSignature,
        pkcs7.PKCS7Options.NoAttributes,
    ]
    return made.sign(Encoding.DER, options)


def _prepared(pdf: bytes, *, room: int, at: datetime, name: str, reason: str) -> bytes:
    """The file with an empty place for the signature, and a field of no size on its first page that holds it."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as file:
        value = file.make_indirect(
            Dictionary(
                Type=Name.Sig,
                Filter=Name("/Adobe.PPKLite"),
                SubFilter=Name("/adbe.pkcs7.detached"),
                ByteRange=Array([0, _FAR, _FAR, _FAR]),
                Contents=String(bytes(room)),
                M=String(f"{at.astimezone(UTC):D:%Y%m%d%H%M%S}Z"),
                Name=String(name),
                Reason=String(reason),
            )
        )
        first = file.pages[0].obj
        field = file.make_indirect(
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Widget,
                FT=Name.Sig,
                T=String("Signature"),
                V=value,
                P=first,
                Rect=Array([0, 0, 0, 0]),
                # Print and Locked: what ISO 19005-3 (6.3.2) wants of every annotation.
                F=132,
            )
        )
        first.Annots = Array([*first.get("/Annots", []), field])
        # Signatures exist, and the file may only be added to.
        file.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)
        file.save(
            out,
            deterministic_id=True,
            force_version="1.7",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return out.getvalue()
