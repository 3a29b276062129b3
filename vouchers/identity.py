"""Names and numbers as people give them: any writing of the world, and nothing that hides or turns its neighbour.

Control characters could forge a line of a letter, a log or a bank file; bidirectional overrides make a text read as
another one (CVE-2021-42574). Both are refused, not stripped: a name that carries them was not typed by a person.
SIRET and IBAN are checked by their keys alone; whether they exist, no one is asked.
"""

import re
import unicodedata
from typing import Final

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException
from stdnum.eu import vat as vat_rule
from stdnum.exceptions import ValidationError
from stdnum.fr import siret as siret_rule

from vouchers.errors import BadInput

NAME_CHARS: Final = 120
HOLDER_CHARS: Final = 70
"""An account holder's name in a SEPA transfer (EPC132-08: 70 of the 140 characters ISO 20022 has)."""
ADDRESS_LINES: Final = 6
EMAIL_CHARS: Final = 254
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_UNSEEN: Final = frozenset({"Cf", "Zs"})
_SPELT_OUT: Final = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "ł": "l", "đ": "d"})
_EMAIL: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z0-9-]{2,63}")


def name(given: str, *, field: str, most: int = NAME_CHARS) -> str:
    """A name of one line, 1 to `most` characters, without the space around it, in NFC. Refuses `BadInput`."""
    typed = unicodedata.normalize("NFC", given.strip())
    if not 1 <= len(typed) <= most:
        raise BadInput(field=field, problem="length", least=1, most=most)
    if any(char in _BIDI or unicodedata.category(char) in _REFUSED for char in typed):
        raise BadInput(field=field, problem="hidden_characters")
    if all(unicodedata.category(char) in _UNSEEN for char in typed):
        raise BadInput(field=field, problem="nothing_legible")
    return typed


def unaccented(text: str) -> str:
    """The letters of a text without their accents, ligatures spelt out: 'Œuf d'Épinal' → 'OEuf d'Epinal'.

    For comparing and searching; other scripts stay as they are.
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text.translate(_SPELT_OUT))
    return "".join(char for char in apart if not unicodedata.combining(char))


def address(given: str, *, field: str) -> str:
    """A postal address, 1 to 6 lines joined by line feeds; empty lines are dropped. Refuses `BadInput`."""
    lines = [name(line, field=field) for line in given.splitlines() if line.strip()]
    if not 1 <= len(lines) <= ADDRESS_LINES:
        raise BadInput(field=field, problem="lines", least=1, most=ADDRESS_LINES)
    return "\n".join(lines)


def email(given: str, *, field: str) -> str:
    """An e-mail address in lower case: one person has one, however it is typed. Refuses `BadInput`."""
    typed = unicodedata.normalize("NFC", given.strip()).lower()
    if len(typed) > EMAIL_CHARS or _EMAIL.fullmatch(typed) is None:
        raise BadInput(field=field, problem="not_an_email")
    return name(typed, field=field, most=EMAIL_CHARS)


def siret_fr(siret: str) -> str:
    """As the French write it: '123 456 789 00012', by U+00A0."""
    return "\N{NO-BREAK SPACE}".join((siret[:3], siret[3:6], siret[6:9], siret[9:]))


def siret(given: str) -> str:
    """The fourteen digits of an establishment, Luhn-checked, those of La Poste by its own rule. Refuses `BadInput`."""
    try:
        known: str = siret_rule.validate(given)
    except ValidationError:
        raise BadInput(field="siret", problem="not_a_siret") from None
    return known


def vat_number(given: str) -> str:
    """A VAT number of the European Union with its country, checked by its country's rule. Refuses `BadInput`."""
    try:
        known: str = vat_rule.validate(given)
    except ValidationError:
        raise BadInput(field="vat_number", problem="not_a_vat_number") from None
    return known


def iban(given: str) -> str:
    """An IBAN without spaces, its key checked, of a country of the SEPA. Refuses `BadInput`."""
    try:
        known = IBAN(given)
    except SchwiftyException:
        raise BadInput(field="iban", problem="not_an_iban") from None
    if not known.in_sepa_zone:
        raise BadInput(field="iban", problem="not_sepa")
    return known.compact


def bic(given: str) -> str:
    """A BIC of 8 or 11 characters. Refuses `BadInput`."""
    try:
        return BIC(given).compact
    except SchwiftyException:
        raise BadInput(field="bic", problem="not_a_bic") from None


def holder(given: str) -> str:
    """The name an account is held under, which need not be the shop's. Refuses `BadInput`."""
    return name(given, field="account_holder", most=HOLDER_CHARS)
