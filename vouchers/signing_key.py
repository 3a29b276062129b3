"""The key that dossiers are signed with: the chamber's own certificate, or in development one that the house made.

A chamber buys its certificate from a provider and gives it as a PKCS#12 file (VOUCHERS_SIGNING_FILE). In development a
self-signed one is made once, beside the other secrets: whoever opens such a dossier is told that nobody vouches for
it. In production nothing is made up: without a certificate no dossier is signed.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509.oid import NameOID

from vouchers.config import Setting, Settings, SettingsFault
from vouchers.errors import SigningKeyMissing
from vouchers.files import appearing
from vouchers.paper.signature import Signer

_KEY_BITS: Final = 3_072
_YEARS: Final = timedelta(days=3_650)
_MADE_PASSWORD: Final = b"development"
"""Of the file made in development, which only its owner can read."""


def signer(settings: Settings, *, at: datetime) -> Signer:
    """The key in force. Refuses `SigningKeyMissing`; raises `SettingsFault` for a file that holds no RSA key."""
    if settings.signing_file is not None:
        return _read(settings.signing_file, settings.signing_password.encode() or None)
    if settings.environment is Setting.PRODUCTION:
        raise SigningKeyMissing
    path = settings.signing_path()
    if not path.exists():
        _make(path, at=at)
    return _read(path, _MADE_PASSWORD)


def _read(path: Path, password: bytes | None) -> Signer:
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(path.read_bytes(), password)
    except (OSError, ValueError) as wrong:
        raise SettingsFault(f"{path} cannot be read as PKCS#12 with VOUCHERS_SIGNING_PASSWORD: {wrong}") from None
    if not isinstance(key, RSAPrivateKey) or certificate is None:
        raise SettingsFault(f"{path} must hold an RSA key and its certificate")
    return Signer(key, certificate, tuple(chain))


def _make(path: Path, *, at: datetime) -> None:
    key = generate_private_key(public_exponent=65_537, key_size=_KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Chèques cadeaux (développement)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + _YEARS)
        .sign(key, SHA256())
    )
    packed = pkcs12.serialize_key_and_certificates(
        b"vouchers", key, certificate, None, BestAvailableEncryption(_MADE_PASSWORD)
    )
    # Of two processes that start at once, one makes the key and both use it.
    with suppress(FileExistsError), appearing(path, over=False) as part:
        part.write_bytes(packed)
