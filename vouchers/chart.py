"""The chart of accounts: what each account means, and its number in a French chart (PCG, default of each setting).

An account is a word, with its owner after a colon where there is one for each: `float`, `merchant:17`. Sources of the
numbers: plan comptable général after ANC 2022-06 (468 for creditors, 758 for breakage); all are defaults.
"""

from typing import Final, NamedTuple

BANK: Final = "bank"
FLOAT: Final = "float"
COMMISSION: Final = "commission"
FEE: Final = "fee"
VAT: Final = "vat"
VAT_PENDING: Final = "vat_pending"
BREAKAGE: Final = "breakage"
NEXT_CAMPAIGN: Final = "next_campaign"
SUSPENSE: Final = "suspense"
GUARANTEE: Final = "guarantee"
UNALLOCATED: Final = "unallocated"
BANK_FEES: Final = "bank_fees"
RECEIVED: Final = (BANK, UNALLOCATED)
"""Where a buyer's payment comes from: straight from the bank, or from what was received before anyone knew for what."""


class Meaning(NamedTuple):
    """`side`: on which side the account normally stands; `number`: default PCG number; `name`: as printed."""

    side: str
    number: str
    name: str


WHOLE_ACCOUNTS: Final = {
    BANK: Meaning("debit", "512100", "Banque"),
    FLOAT: Meaning("credit", "468120", "Titres en circulation"),
    COMMISSION: Meaning("credit", "706200", "Commissions des commerçants"),
    FEE: Meaning("credit", "706100", "Frais de gestion des acheteurs"),
    VAT: Meaning("credit", "445710", "TVA collectée"),
    VAT_PENDING: Meaning("credit", "445740", "TVA sur prestations non encaissées"),
    BREAKAGE: Meaning("credit", "758000", "Titres périmés acquis à l'émetteur"),
    NEXT_CAMPAIGN: Meaning("credit", "468310", "Titres périmés reportés sur la prochaine campagne"),
    SUSPENSE: Meaning("credit", "471000", "Titres en cours de remplacement"),
    GUARANTEE: Meaning("debit", "658000", "Garantie des acceptations hors réseau"),
    UNALLOCATED: Meaning("credit", "419100", "Encaissements à affecter"),
    BANK_FEES: Meaning("debit", "627000", "Frais bancaires"),
}
"""Accounts of which a programme has one."""

OWNED_ACCOUNTS: Final = {
    "receivable": Meaning("debit", "411000", "Acheteur, commande"),
    "ordered": Meaning("credit", "468110", "Titres commandés, non émis"),
    "merchant": Meaning("credit", "468200", "Commerçant, titres acceptés à rembourser"),
    "in_transit": Meaning("credit", "581000", "Virements en cours, règlement"),
    "lapsed": Meaning("credit", "468300", "Titres périmés à restituer, acheteur"),
}
"""Accounts of which there is one for each order, merchant, payment run or buyer."""

JOURNAL_KINDS: Final = (
    # Each is one business fact; those without postings (blocked, role_granted …) are kept for the record alone.
    "programme_opened", "merchant_enrolled", "merchant_suspended", "merchant_restored", "buyer_enrolled",
    "terms_set", "buyer_rule_set", "application_received", "application_accepted", "application_refused",
    "profile_set", "convention_signed",
    "staff_enrolled", "staff_suspended", "staff_restored", "staff_invited",
    "account_asked", "account_confirmed", "account_withdrawn",
    "role_asked", "role_granted", "role_revoked", "till_paired", "till_renamed", "till_revoked",
    "cashier_named", "cashier_removed", "shop_rule_set", "offline_allowed", "offline_forbidden",
    "order_placed", "order_approved", "order_accepted", "order_paid", "order_cancelled", "order_delivered",
    "issue_begun", "issued", "printed", "activated", "extended",
    "redeemed", "reversed", "blocked", "unblocked", "cancelled", "replaced", "expired",
    "disputed", "guaranteed", "dispute_dismissed",
    "recipients_ordered", "recipients_assigned", "recipient_erased", "recipients_purged", "recipient_exported",
    "remittance_opened", "remittance_closed", "settlement_held", "settlement_released", "watched",
    "run_proposed", "run_withdrawn", "run_approved", "settled", "run_exported", "run_executed", "transfer_returned",
    "paper_settings_set", "billing_set", "invoiced", "credited", "document_made", "statement_sent",
    "bank_statement_taken", "money_received", "paid_back", "bank_fees_taken", "bank_line_set_aside",
    "bank_line_reopened",
)  # fmt: skip


def receivable(order_number: int) -> str:
    """What a buyer owes for an order; below zero, what is owed back."""
    return f"receivable:{order_number}"


def ordered(order_number: int) -> str:
    """Face value ordered and not yet issued."""
    return f"ordered:{order_number}"


def merchant(merchant_id: int) -> str:
    """What a merchant is owed."""
    return f"merchant:{merchant_id}"


def in_transit(run_number: int) -> str:
    """Transfers ordered from the bank and not yet executed."""
    return f"in_transit:{run_number}"


def lapsed(buyer_id: int) -> str:
    """Lapsed vouchers to be given back to a buyer, where the contract says so."""
    return f"lapsed:{buyer_id}"


def kind_of(account: str) -> str:
    """The word before the colon: 'merchant' of 'merchant:17'."""
    return account.partition(":")[0]


def meaning(account: str) -> Meaning:
    """What an account means. Raises KeyError for a word that is not in the chart."""
    kind, colon, owner = account.partition(":")
    if not colon:
        return WHOLE_ACCOUNTS[kind]
    if not owner:
        raise KeyError(account)
    return OWNED_ACCOUNTS[kind]
