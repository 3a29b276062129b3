"""What the bank tells us, as plain values: statements, notifications, reports on our file, reasons for a return.

The readers in `paper/` make them from bytes; the verbs and the pages take them as they are. Whole cents throughout,
above zero what came in, below zero what went out. Texts are as the bank wrote them, on one line, without unseen signs.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Detail:
    """One transfer inside an entry (`TxDtls`).

    `rf`: the structured creditor reference, upper case without spaces, not checked. `text`: all the payer wrote, else
    what the bank says of the entry. `counterpart` is who paid us or whom we paid, also where our own transfer comes
    back; `on_behalf_of` is for whom the counterpart acts. `message_ids`: the names of the payment file and block it
    belongs to, where the bank repeats them. `return_code`: why it came back, an ISO 20022 word, None where it did not.
    """

    cents: int
    end_to_end_id: str | None
    message_ids: tuple[str, ...]
    rf: str | None
    text: str
    counterpart: str | None
    counterpart_iban: str | None
    on_behalf_of: str | None
    return_code: str | None
    return_info: str

    @property
    def message_id(self) -> str | None:
        """The first name of the payment file it belongs to."""
        return self.message_ids[0] if self.message_ids else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One booked line of an account; its details, one at least, sum to it.

    `reference` is the bank's own, one entry of a statement has one for itself; where the bank gives none it is made
    of the content, so that the same entry read again has the same. `reversal`: it undoes an earlier entry.
    """

    reference: str
    cents: int
    booked_on: date
    value_on: date
    reversal: bool
    code: str
    text: str
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class BankStatement:
    """A statement of account (camt.053): `opening_cents` and its entries sum to `closing_cents`.

    `page` and `last_page` where a long statement comes in several messages, all under one `statement_id`.
    """

    version: str
    statement_id: str
    page: int | None
    last_page: bool
    sequence: int | None
    iban: str
    currency: str
    made_at: datetime
    from_on: date
    to_on: date
    opening_cents: int
    closing_cents: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class BankNotification:
    """Entries told on the day, before their statement (camt.054): it carries no balance to check them by."""

    version: str
    notification_id: str
    iban: str
    currency: str
    made_at: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """What the bank says of one of our transfers. `status` is None where it gives its block's or its file's alone."""

    end_to_end_id: str | None
    message_id: str | None
    status: str | None
    reason: str | None
    info: str


@dataclass(frozen=True, slots=True)
class BlockStatus:
    """What the bank says of one payment block (`PmtInf`) as a whole."""

    message_id: str
    status: str | None
    reason: str | None
    info: str


@dataclass(frozen=True, slots=True)
class PaymentReport:
    """What the bank says of a payment file we sent (pain.002), all of it or only what changed since.

    Statuses: ACTC and ACCP accepted, ACSP under way, ACSC paid, PDNG waiting, PART some refused, RJCT refused.
    """

    version: str
    report_id: str
    original_message_id: str
    made_at: datetime
    group_status: str | None
    group_reason: str | None
    group_info: str
    blocks: tuple[BlockStatus, ...]
    transactions: tuple[PaymentStatus, ...]

    @property
    def wholly_rejected(self) -> bool:
        """Whether nothing of the file is paid, be it said of the file or of its block: ours have one.

        A bank may take the file for its form (ACTC) and refuse the block in it, transfer by transfer or as a whole.
        """
        return self.group_status == "RJCT" or (
            bool(self.blocks) and all(block.status == "RJCT" for block in self.blocks)
        )

    @property
    def rejected(self) -> tuple[PaymentStatus, ...]:
        """The transfers named as refused, each by its own status or, without one, by its block's or its file's."""
        above = {block.message_id: block.status for block in self.blocks}
        return tuple(
            one
            for one in self.transactions
            if (one.status or above.get(one.message_id or "") or self.group_status) == "RJCT"
        )


_ASK_IBAN: Final = ("demandez un autre RIB au commerce", "ask the shop for other bank details")
_ASK_BANK: Final = ("appelez la banque", "call the bank")
_ASK_SHOP: Final = ("voyez avec le commerce", "ask the shop")

_WHY: Final = {
    # code: (French, English, what to do); source: ISO 20022 external code sets for returns and statuses
    "AC01": ("numéro de compte inexact", "the account number is wrong", _ASK_IBAN),
    "AC02": (
        "le compte de l'émetteur est inexact",
        "the issuer's account number is wrong",
        ("vérifiez l'IBAN de l'émetteur", "check the issuer's IBAN"),
    ),
    "AC03": ("numéro de compte du bénéficiaire inexact", "the payee's account number is wrong", _ASK_IBAN),
    "AC04": ("compte clôturé", "the account is closed", _ASK_IBAN),
    "AC06": ("compte bloqué", "the account is blocked", _ASK_IBAN),
    "AC13": ("compte d'un particulier refusé", "a consumer's account is refused", _ASK_IBAN),
    "AG01": (
        "ce compte ne reçoit pas de virement (un livret, par exemple)",
        "this account takes no transfer (a savings account, say)",
        _ASK_IBAN,
    ),
    "AG02": ("type d'opération refusé", "the kind of operation is refused", _ASK_BANK),
    "AM04": (
        "provision insuffisante sur le compte de l'émetteur",
        "the issuer's account does not hold enough",
        ("approvisionnez le compte, puis repayez", "fund the account, then pay again"),
    ),
    "AM05": (
        "déjà présenté : la banque y voit un double",
        "already sent: the bank takes it for a duplicate",
        (
            "vérifiez sur le relevé que le premier est passé avant de repayer",
            "see on the statement whether the first went through before paying again",
        ),
    ),
    "AM09": ("montant inexact", "the amount is wrong", _ASK_BANK),
    "BE01": (
        "le nom ne correspond pas au compte",
        "the name does not go with the account",
        ("vérifiez le titulaire du compte avec le commerce", "check the account holder with the shop"),
    ),
    "BE04": ("adresse du bénéficiaire manquante", "the payee's address is missing", _ASK_BANK),
    "CNOR": ("banque du bénéficiaire injoignable", "the payee's bank cannot be reached", _ASK_IBAN),
    "CURR": ("devise refusée", "the currency is refused", _ASK_BANK),
    "CUST": ("demandé par le donneur d'ordre", "asked for by the payer", _ASK_BANK),
    "DT01": (
        "date refusée",
        "the date is refused",
        ("choisissez un autre jour d'exécution", "choose another day to pay on"),
    ),
    "ED05": ("règlement entre banques échoué", "settlement between banks failed", _ASK_BANK),
    "FF01": ("fichier refusé pour sa forme", "the file's form is refused", _ASK_BANK),
    "FOCR": (
        "rendu à la suite d'une demande de rappel",
        "given back after a request to recall it",
        ("vérifiez qui a demandé le rappel avant de repayer", "see who asked for the recall before paying again"),
    ),
    "MD07": (
        "titulaire du compte décédé",
        "the account holder has died",
        ("joignez la succession ou le repreneur du commerce", "reach the heirs or whoever took over the shop"),
    ),
    "MS02": ("refusé par le bénéficiaire, sans motif", "refused by the payee, no reason given", _ASK_SHOP),
    "MS03": (
        "refusé par la banque, sans motif",
        "refused by the bank, no reason given",
        (
            "demandez au commerce de voir avec sa banque, ou un autre RIB",
            "have the shop ask its bank, or give other bank details",
        ),
    ),
    "NARR": ("motif donné en clair par la banque", "reason in the bank's own words", _ASK_BANK),
    "NOAS": ("pas de réponse du bénéficiaire", "no answer from the payee", _ASK_SHOP),
    "RC01": ("code de la banque (BIC) inexact", "the bank's code (BIC) is wrong", _ASK_IBAN),
    "RR01": ("compte du donneur d'ordre manquant", "the payer's account is missing", _ASK_BANK),
    "RR02": ("nom ou adresse du donneur d'ordre manquant", "the payer's name or address is missing", _ASK_BANK),
    "RR03": ("nom ou adresse du bénéficiaire manquant", "the payee's name or address is missing", _ASK_BANK),
    "RR04": (
        "refusé pour raison réglementaire",
        "refused for a regulatory reason",
        (
            "ne repayez pas sans l'accord de votre banque",
            "do not pay again unless your bank agrees",
        ),
    ),
    "TECH": ("incident technique", "a technical failure", _ASK_BANK),
}
_WHY["DUPL"] = _WHY["AM05"]
_REPORT: Final = re.compile(r" \(pain\.002 [0-9a-f]+\)\Z")


def why_fr(code: str) -> str:
    """Why a transfer came back or was refused, and what to do: 'compte clôturé : demandez un autre RIB au commerce'."""
    to_do, _ = _WHY[code][2] if code in _WHY else _ASK_BANK
    return f"{cause_fr(code)} : {to_do}"


def cause_fr(code: str) -> str:
    """Why alone: 'compte clôturé'."""
    return _WHY[code][0] if code in _WHY else f"motif {code}"


def reason_of(code: str, *, report_sha256: str | None = None) -> str:
    """What the journal says of a return: code, why, what to do, the hash of the report (pain.002) that told it."""
    said = f"{code} {why_fr(code)}"
    return said if report_sha256 is None else f"{said} (pain.002 {report_sha256})"


def cause_told(reason: str) -> str:
    """What the payee reads of such a reason: no code, no to-do of the treasurer, no report.

    'AC04 compte clôturé : demandez un autre RIB au commerce (pain.002 5f3a…)' → 'compte clôturé'. One that a person
    typed stays as typed.
    """
    said = _REPORT.sub("", reason)
    # A bank's own code may be several words: it stands before its why, and again in it.
    codes = (said.partition(" ")[0], said.partition(" motif ")[0])
    return next((cause_fr(code) for code in codes if said == reason_of(code)), said)


def why_en(code: str) -> str:
    """`why_fr` in English."""
    if code not in _WHY:
        return f"reason {code}: {_ASK_BANK[1]}"
    _, why, (_, to_do) = _WHY[code]
    return f"{why}: {to_do}"
