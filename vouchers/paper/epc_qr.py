"""The QR code that fills in a bank transfer: EPC069-12, version 002, read by the banks' telephone applications.

Twelve lines: service tag, version, character set (1 is UTF-8), identification, BIC, name, IBAN, amount, purpose,
structured reference, free text, note to the reader. Level M, at most version 13 (331 bytes). Either the structured
or the free reference is filled in, here the structured one (ISO 11649, 'RF…').
"""

import re
from typing import Final

from vouchers.money import euros_plain
from vouchers.paper import fonts

MOST_BYTES: Final = 331
_MOST_CENTS: Final = 99_999_999_999
_LONGEST_NAME: Final = 70
_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")
_REFERENCE: Final = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")


def epc_text(*, holder: str, iban: str, cents: int, rf_reference: str | None = None, bic: str | None = None) -> str:
    """What the code says. `holder` is cut at 70 characters; spaces in `iban` and `rf_reference` are dropped.

    ValueError for what a bank would not read: another form of IBAN, BIC or reference, no name, or an amount that is
    not from one cent to 999 999 999.99 €.
    """
    account, reference = "".join(iban.split()), "".join((rf_reference or "").split())
    name = fonts.printable(holder)[:_LONGEST_NAME].strip()
    if not _IBAN.fullmatch(account) or (bic and not _BIC.fullmatch(bic)):
        raise ValueError("neither IBAN nor BIC may have another form")
    if reference and not _REFERENCE.fullmatch(reference):
        raise ValueError("the reference is not one of ISO 11649")
    if not name or not 1 <= cents <= _MOST_CENTS:
        raise ValueError("a name and an amount are wanted")
    lines = ("BCD", "002", "1", "SCT", bic or "", name, account, f"EUR{euros_plain(cents)}", "", reference, "", "")
    # Trailing empty lines may be left out (EPC069-12, 3.1); none ends in a line break.
    text = "\n".join(lines).rstrip("\n")
    assert len(text.encode()) <= MOST_BYTES
    return text
