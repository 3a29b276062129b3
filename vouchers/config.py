"""Settings from the environment (`VOUCHERS_…`); read by the doors alone.

Secrets (pepper, session key: 32 random bytes each, as 64 hexadecimal digits) are made on the first start in a file
readable by its owner only, beside the database. In production they are demanded from the environment: a pepper that
lies beside the database would be in the same backup.
"""

import json
import re
import secrets
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url

from vouchers.files import appearing

_SECRET_BYTES: Final = 32
_SECRETS: Final = ("pepper", "session_key")


class Setting(StrEnum):
    """Where this house stands."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SmtpSecurity(StrEnum):
    """How the mail server is spoken to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SettingsFault(Exception):
    """A setting that is missing or cannot be; the text says which and what to do."""


def _from_hex(given: object) -> object:
    try:
        return bytes.fromhex(given) if isinstance(given, str) else given
    except ValueError:
        raise ValueError("64 hexadecimal digits are wanted") from None


_TILES: Final = re.compile(r"(https://[a-z0-9.-]+(?::[0-9]{1,5})?)/[A-Za-z0-9._~/?&=%{}-]*", re.ASCII)


def _tiles(given: object) -> object:
    if given and (not isinstance(given, str) or _origin(given) is None):
        raise ValueError("https://host/…{z}…{x}…{y}… is wanted, in lower case, of one host")
    return given


def _origin(tiles_url: str) -> str | None:
    found = _TILES.fullmatch(tiles_url)
    return found[1] if found and all(part in tiles_url for part in ("{z}", "{x}", "{y}")) else None


_SecretBytes = Annotated[bytes, BeforeValidator(_from_hex), Field(min_length=_SECRET_BYTES)]


class Settings(BaseSettings):
    """Every setting, its default and its unit."""

    model_config = SettingsConfigDict(env_prefix="VOUCHERS_", frozen=True, hide_input_in_errors=True)

    environment: Setting = Setting.DEVELOPMENT
    database_url: str = "sqlite:///var/vouchers.db"
    """`sqlite:///path` or `postgresql+psycopg://…`."""
    pepper: _SecretBytes | None = None
    session_key: _SecretBytes | None = None
    secrets_file: Path | None = None
    """Development only; by default `<database>.secrets.json` beside an SQLite database, else `var/secrets.json`."""
    anchors_file: Path | None = None
    """Where seals are noted outside the database, so that an older copy is known for one; default beside it."""
    session_hours: int = Field(default=12, ge=1, le=72)
    public_url: str = Field(default="", pattern="^(https?://[^/]+)?$")
    """Where people reach this house, for the links in letters ('https://cheques.example.fr'). Demanded in production
    before a letter leaves: whoever asks could name another host. In development, the address that was asked."""
    smtp_host: str = ""
    """The mail server; empty in development: letters go into a folder."""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_security: SmtpSecurity = SmtpSecurity.STARTTLS
    mail_from: str = ""
    """Whose address stands on letters ('cheques@cci.example')."""
    mail_folder: Path | None = None
    """Where letters are kept as .eml files instead of being sent; in development by default beside the database."""
    signing_file: Path | None = None
    """The chamber's certificate and RSA key (PKCS#12), which closing dossiers are signed with. In development one is
    made beside the database."""
    signing_password: str = Field(default="", repr=False)
    offered_docs: bool = True
    """Whether `/api/docs` and the OpenAPI document are served."""
    tiles_url: Annotated[str, BeforeValidator(_tiles)] = ""
    """Where the maps of the shops take their ground from, `https://host/{z}/{x}/{y}.png`; empty: the outline alone.

    Whoever looks at a map is then seen by that host, so nothing is asked of it unless this is set.
    """
    tiles_credit: str = Field(default="", max_length=120)
    """Whose that ground is, as the map must say: '© OpenStreetMap'."""

    def secret_bytes(self) -> tuple[bytes, bytes]:
        """(pepper, session key). Raises `SettingsFault` in production when they are not given."""
        if self.pepper is not None and self.session_key is not None:
            return self.pepper, self.session_key
        if self.environment is Setting.PRODUCTION:
            raise SettingsFault(
                "VOUCHERS_PEPPER and VOUCHERS_SESSION_KEY are demanded in production (64 hexadecimal digits each):"
                " python3 -c 'import secrets; print(secrets.token_hex(32))'"
            )
        made = _made_once(self.secrets_path())
        return self.pepper or made["pepper"], self.session_key or made["session_key"]

    def secrets_path(self) -> Path:
        """The file of the development secrets."""
        return self.secrets_file or self._beside("secrets.json")

    def tiles_origin(self) -> str:
        """The one origin that a map's pictures may come from beside ours; empty for none."""
        return _origin(self.tiles_url) or ""

    def anchors_path(self) -> Path:
        """The file that remembers, outside the database, the newest seal of each programme."""
        return self.anchors_file or self._beside("anchors.json")

    def mail_path(self) -> Path | None:
        """The folder that takes letters; None where a mail server does, or nothing is set up."""
        if self.mail_folder is not None or self.smtp_host or self.environment is Setting.PRODUCTION:
            return self.mail_folder
        return self._beside("mail")

    def signing_path(self) -> Path:
        """Where the development key for dossiers is kept."""
        return self._beside("signing.p12")

    def _beside(self, name: str) -> Path:
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite" and url.database:
            return Path(f"{url.database}.{name}")
        return Path("var") / name


def _made_once(path: Path) -> dict[str, bytes]:
    """The secrets in `path`, made if it is not there. Refuses a file that others may read."""
    if not path.exists():
        # Of two processes that start at once, one makes the secrets and both read them, whole.
        with suppress(FileExistsError), appearing(path, over=False) as part:
            part.write_text(json.dumps({name: secrets.token_hex(_SECRET_BYTES) for name in _SECRETS}))
    if path.stat().st_mode & 0o077:
        raise SettingsFault(f"{path} can be read by others: chmod 600 {path}")
    return _kept(path)


def _kept(path: Path) -> dict[str, bytes]:
    """The secrets that `path` holds: both, of 32 bytes each, and nothing less."""
    try:
        found = json.loads(path.read_text())
        kept = {name: bytes.fromhex(found[name]) for name in _SECRETS}
    except (ValueError, KeyError, TypeError):
        kept = {}
    if not kept or any(len(secret) != _SECRET_BYTES for secret in kept.values()):
        raise SettingsFault(
            f"{path} must be JSON with pepper and session_key, 64 hexadecimal digits each: put back the file that was"
            " made with this database, whose vouchers are known by no other pepper"
        )
    return kept
