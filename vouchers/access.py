"""Who may do what: the permission table, and the law of four eyes. Values only; nothing here is stored.

A caller holds roles, each within one programme; a role of a buyer's or a merchant's person, and that of a till, also
names that buyer or merchant and reaches no other (`Reach.OWN`). What the table does not grant is forbidden. An object
of a programme in which the caller holds no role at all is not found, like one that does not exist: a stranger is not
even told that it is there.

The table says who may do an act at all. That two acts need two people is said again where they are recorded, by
`another_person` and by a constraint of the row, because one person may hold several roles.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from vouchers.errors import Forbidden, NotFound, SamePerson, SignInNotFresh


class Role(StrEnum):
    """The roles of staff (as in `tables.ROLES`), and the till."""

    TREASURER = "treasurer"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    BUYER_CLERK = "buyer_clerk"
    BUYER_APPROVER = "buyer_approver"
    MERCHANT_OWNER = "merchant_owner"
    TILL = "till"


class Reach(StrEnum):
    """How far a role reaches: every object of the programme, or those of its own buyer or merchant."""

    ALL = "all"
    OWN = "own"


class Act(StrEnum):
    """One for each thing that can be done."""

    PROGRAMME_OPEN = "programme.open"
    PROGRAMME_READ = "programme.read"
    SET_UP_DRAFT = "set_up.draft"
    SET_UP_OPEN = "set_up.open"
    TERMS_SET = "terms.set"
    TERMS_READ = "terms.read"
    BUYER_ENROL = "buyer.enrol"
    BUYER_READ = "buyer.read"
    BUYER_RULE_SET = "buyer_rule.set"
    MERCHANT_ENROL = "merchant.enrol"
    MERCHANT_SUSPEND = "merchant.suspend"
    MERCHANT_READ = "merchant.read"
    APPLICATION_DECIDE = "application.decide"
    APPLICATION_READ = "application.read"
    PROFILE_SET = "profile.set"
    PROFILE_READ = "profile.read"
    CONVENTION_RECORD = "convention.record"
    ACCOUNT_ASK = "account.ask"
    ACCOUNT_CONFIRM = "account.confirm"
    ACCOUNT_WITHDRAW = "account.withdraw"
    ACCOUNT_READ = "account.read"
    STAFF_ENROL = "staff.enrol"
    STAFF_SUSPEND = "staff.suspend"
    STAFF_READ = "staff.read"
    ROLE_ASK = "role.ask"
    ROLE_CONFIRM = "role.confirm"
    ROLE_REVOKE = "role.revoke"
    ROLE_READ = "role.read"
    TILL_PAIR = "till.pair"
    TILL_RENAME = "till.rename"
    TILL_REVOKE = "till.revoke"
    TILL_READ = "till.read"
    CASHIER_NAME = "cashier.name"
    CASHIER_READ = "cashier.read"
    SHOP_RULE_SET = "shop_rule.set"
    SHOP_RULE_READ = "shop_rule.read"
    ORDER_PLACE = "order.place"
    ORDER_APPROVE = "order.approve"
    ORDER_ACCEPT = "order.accept"
    ORDER_PAY = "order.pay"
    ORDER_CANCEL = "order.cancel"
    ORDER_DELIVER = "order.deliver"
    ORDER_READ = "order.read"
    RECIPIENTS_BRING = "recipients.bring"
    RECIPIENTS_READ = "recipients.read"
    RECIPIENT_EXPORT = "recipient.export"
    RECIPIENT_ERASE = "recipient.erase"
    RECIPIENTS_PURGE = "recipients.purge"
    CAMPAIGN_READ = "campaign.read"
    BATCH_ISSUE = "batch.issue"
    BATCH_PRINT = "batch.print"
    BATCH_ACTIVATE = "batch.activate"
    BATCH_EXTEND = "batch.extend"
    BATCH_READ = "batch.read"
    VOUCHER_LOOK_UP = "voucher.look_up"
    VOUCHER_BLOCK = "voucher.block"
    VOUCHER_UNBLOCK = "voucher.unblock"
    VOUCHER_CANCEL = "voucher.cancel"
    VOUCHER_REPLACE = "voucher.replace"
    VOUCHER_EXPIRE = "voucher.expire"
    VOUCHER_READ = "voucher.read"
    REDEMPTION_MAKE = "redemption.make"
    REDEMPTION_REVERSE_IN_WINDOW = "redemption.reverse_in_window"
    REDEMPTION_REVERSE = "redemption.reverse"
    REDEMPTION_READ = "redemption.read"
    OFFLINE_ACCEPT = "offline.accept"
    OFFLINE_RULE_SET = "offline_rule.set"
    OFFLINE_RULE_READ = "offline_rule.read"
    DISPUTE_DECIDE = "dispute.decide"
    DISPUTE_READ = "dispute.read"
    REMITTANCE_TAKE = "remittance.take"
    REMITTANCE_READ = "remittance.read"
    SETTLEMENT_HOLD = "settlement.hold"
    SETTLEMENT_PROPOSE = "settlement.propose"
    SETTLEMENT_WITHDRAW = "settlement.withdraw"
    SETTLEMENT_APPROVE = "settlement.approve"
    SETTLEMENT_EXPORT = "settlement.export"
    SETTLEMENT_EXECUTE = "settlement.execute"
    SETTLEMENT_RETURN = "settlement.return"
    SETTLEMENT_READ = "settlement.read"
    SETTLEMENT_EXPECT = "settlement.expect"
    REPORT_READ = "report.read"
    WATCH_DECIDE = "watch.decide"
    WATCH_READ = "watch.read"
    PAPER_SETTINGS_SET = "paper_settings.set"
    PAPER_SETTINGS_READ = "paper_settings.read"
    BILLING_SET = "billing.set"
    BILLING_READ = "billing.read"
    INVOICE_ISSUE = "invoice.issue"
    DOCUMENT_READ = "document.read"
    STATEMENT_SEND = "statement.send"
    BANK_TAKE = "bank.take"
    BANK_READ = "bank.read"
    DOSSIER_CLOSE = "dossier.close"
    JOURNAL_READ = "journal.read"
    BOOKS_SEAL = "books.seal"


def _all(*roles: Role) -> dict[Role, Reach]:
    return dict.fromkeys(roles, Reach.ALL)


def _own(*roles: Role) -> dict[Role, Reach]:
    return dict.fromkeys(roles, Reach.OWN)


_CHAMBER: Final = (Role.TREASURER, Role.APPROVER, Role.ADMINISTRATOR, Role.AUDITOR)
_BUYER: Final = (Role.BUYER_CLERK, Role.BUYER_APPROVER)
_DESK: Final = (Role.TREASURER, Role.ADMINISTRATOR)

PERMISSIONS: Final[dict[Act, dict[Role, Reach]]] = {
    Act.PROGRAMME_OPEN: _all(Role.ADMINISTRATOR),
    Act.PROGRAMME_READ: _all(*Role),
    Act.SET_UP_DRAFT: _all(*_DESK),
    Act.SET_UP_OPEN: _all(Role.ADMINISTRATOR),
    Act.TERMS_SET: _all(*_DESK),
    Act.TERMS_READ: _all(*_CHAMBER),
    Act.BUYER_ENROL: _all(*_DESK),
    Act.BUYER_RULE_SET: _all(*_DESK),
    Act.BUYER_READ: _all(*_CHAMBER) | _own(*_BUYER),
    Act.MERCHANT_ENROL: _all(*_DESK),
    Act.MERCHANT_SUSPEND: _all(*_DESK),
    Act.MERCHANT_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER, Role.TILL),
    Act.APPLICATION_DECIDE: _all(*_DESK),
    Act.APPLICATION_READ: _all(*_CHAMBER),
    Act.PROFILE_SET: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.PROFILE_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER),
    Act.CONVENTION_RECORD: _all(*_DESK),
    Act.ACCOUNT_ASK: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.ACCOUNT_CONFIRM: _all(Role.TREASURER, Role.APPROVER),
    Act.ACCOUNT_WITHDRAW: _all(Role.TREASURER, Role.APPROVER, Role.ADMINISTRATOR) | _own(Role.MERCHANT_OWNER),
    Act.ACCOUNT_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER),
    Act.STAFF_ENROL: _all(Role.ADMINISTRATOR),
    Act.STAFF_SUSPEND: _all(Role.ADMINISTRATOR),
    Act.STAFF_READ: _all(Role.ADMINISTRATOR, Role.AUDITOR),
    Act.ROLE_ASK: _all(Role.ADMINISTRATOR),
    Act.ROLE_CONFIRM: _all(Role.ADMINISTRATOR),
    Act.ROLE_REVOKE: _all(Role.ADMINISTRATOR),
    Act.ROLE_READ: _all(Role.ADMINISTRATOR, Role.AUDITOR),
    Act.TILL_PAIR: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.TILL_RENAME: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.TILL_REVOKE: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.TILL_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER, Role.TILL),
    Act.CASHIER_NAME: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.CASHIER_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER),
    Act.SHOP_RULE_SET: _all(*_DESK) | _own(Role.MERCHANT_OWNER),
    Act.SHOP_RULE_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER),
    Act.ORDER_PLACE: _all(Role.TREASURER) | _own(*_BUYER),
    Act.ORDER_APPROVE: _all(Role.APPROVER) | _own(Role.BUYER_APPROVER),
    Act.ORDER_ACCEPT: _all(Role.TREASURER, Role.APPROVER),
    Act.ORDER_PAY: _all(Role.TREASURER),
    Act.ORDER_CANCEL: _all(Role.TREASURER) | _own(*_BUYER),
    Act.ORDER_DELIVER: _all(Role.TREASURER),
    Act.ORDER_READ: _all(*_CHAMBER) | _own(*_BUYER),
    # People's names and addresses: for who gives them the vouchers, and who prints their letters.
    Act.RECIPIENTS_BRING: _all(Role.TREASURER) | _own(*_BUYER),
    Act.RECIPIENTS_READ: _all(Role.TREASURER) | _own(*_BUYER),
    Act.RECIPIENT_EXPORT: _all(Role.TREASURER) | _own(*_BUYER),
    Act.RECIPIENT_ERASE: _all(Role.TREASURER) | _own(*_BUYER),
    Act.RECIPIENTS_PURGE: _all(Role.TREASURER) | _own(*_BUYER),
    Act.CAMPAIGN_READ: _all(*_CHAMBER) | _own(*_BUYER),
    Act.BATCH_ISSUE: _all(Role.TREASURER),
    Act.BATCH_PRINT: _all(Role.TREASURER),
    Act.BATCH_ACTIVATE: _all(Role.TREASURER, Role.APPROVER),
    Act.BATCH_EXTEND: _all(Role.TREASURER, Role.APPROVER),
    Act.BATCH_READ: _all(*_CHAMBER) | _own(*_BUYER),
    Act.VOUCHER_LOOK_UP: _own(Role.TILL),
    # Losing a voucher is reported to the town hall that gave it: its clerk may stop it, and no more.
    Act.VOUCHER_BLOCK: _all(Role.TREASURER, Role.APPROVER) | _own(*_BUYER),
    Act.VOUCHER_UNBLOCK: _all(Role.TREASURER, Role.APPROVER),
    Act.VOUCHER_CANCEL: _all(Role.TREASURER),
    Act.VOUCHER_REPLACE: _all(Role.TREASURER),
    Act.VOUCHER_EXPIRE: _all(Role.TREASURER),
    Act.VOUCHER_READ: _all(*_CHAMBER) | _own(*_BUYER),
    Act.REDEMPTION_MAKE: _own(Role.TILL),
    Act.REDEMPTION_REVERSE_IN_WINDOW: _all(Role.TREASURER) | _own(Role.MERCHANT_OWNER, Role.TILL),
    Act.REDEMPTION_REVERSE: _all(Role.TREASURER),
    Act.REDEMPTION_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER, Role.TILL),
    Act.OFFLINE_ACCEPT: _own(Role.TILL),
    Act.OFFLINE_RULE_SET: _all(Role.TREASURER),
    Act.OFFLINE_RULE_READ: _all(*_CHAMBER),
    Act.DISPUTE_DECIDE: _all(Role.TREASURER),
    Act.DISPUTE_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER, Role.TILL),
    Act.REMITTANCE_TAKE: _all(Role.TREASURER),
    Act.REMITTANCE_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER),
    Act.SETTLEMENT_HOLD: _all(Role.TREASURER),
    Act.SETTLEMENT_PROPOSE: _all(Role.TREASURER),
    Act.SETTLEMENT_WITHDRAW: _all(Role.TREASURER, Role.APPROVER),
    Act.SETTLEMENT_APPROVE: _all(Role.APPROVER),
    Act.SETTLEMENT_EXPORT: _all(Role.TREASURER),
    Act.SETTLEMENT_EXECUTE: _all(Role.TREASURER),
    Act.SETTLEMENT_RETURN: _all(Role.TREASURER),
    Act.SETTLEMENT_READ: _all(*_CHAMBER) | _own(Role.MERCHANT_OWNER),
    # How much, not to which account: a till stands on a counter.
    Act.SETTLEMENT_EXPECT: _own(Role.TILL),
    Act.REPORT_READ: _all(*_CHAMBER),
    Act.WATCH_DECIDE: _all(Role.TREASURER),
    Act.WATCH_READ: _all(*_CHAMBER),
    Act.PAPER_SETTINGS_SET: _all(*_DESK),
    Act.PAPER_SETTINGS_READ: _all(*_CHAMBER),
    # Which numbers its accountant wants on an invoice, the buyer knows best.
    Act.BILLING_SET: _all(*_DESK) | _own(*_BUYER),
    Act.BILLING_READ: _all(*_CHAMBER) | _own(*_BUYER),
    Act.INVOICE_ISSUE: _all(Role.TREASURER),
    Act.DOCUMENT_READ: _all(*_CHAMBER) | _own(*_BUYER, Role.MERCHANT_OWNER),
    Act.STATEMENT_SEND: _all(Role.TREASURER),
    Act.BANK_TAKE: _all(Role.TREASURER),
    Act.BANK_READ: _all(*_CHAMBER),
    Act.DOSSIER_CLOSE: _all(Role.TREASURER),
    Act.JOURNAL_READ: _all(*_CHAMBER),
    Act.BOOKS_SEAL: _all(*_DESK),
}
"""Every act, the roles that may do it, and how far each reaches."""

FRESH: Final = timedelta(minutes=15)
FRESHLY: Final = frozenset({Act.SETTLEMENT_APPROVE, Act.ACCOUNT_CONFIRM, Act.ROLE_CONFIRM, Act.SET_UP_OPEN})
"""Acts that money or power follows: only by who proved who they are less than `FRESH` ago, never by a token."""


@dataclass(frozen=True, slots=True)
class Held:
    """One role of a caller in one programme; `buyer_id` or `merchant_id` where the role has its own."""

    programme_id: int
    role: Role
    buyer_id: int | None = None
    merchant_id: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `actor` is what the journal keeps: 'staff:3' or 'till:7'.

    `signed_in_at`: when a person's session last proved who they are; None for an API token and for a till.
    """

    actor: str
    held: tuple[Held, ...]
    signed_in_at: datetime | None = None


class Within(NamedTuple):
    """What a caller may see of a list: all of it, or what belongs to these buyers or these merchants."""

    everything: bool
    buyer_ids: frozenset[int]
    merchant_ids: frozenset[int]


def may(
    caller: Caller, act: Act, *, programme_id: int, buyer_id: int | None = None, merchant_id: int | None = None
) -> None:
    """Whether `caller` may do `act` to an object of this programme, buyer or merchant.

    Refuses `NotFound` where the caller has no role in the programme, else `Forbidden`. An object that belongs to no
    buyer or merchant is nobody's own.
    """
    granted = PERMISSIONS[act]
    for held in _held(caller, programme_id):
        reach = granted.get(held.role)
        if reach is Reach.ALL:
            return
        if reach is Reach.OWN and (
            (held.buyer_id is not None and held.buyer_id == buyer_id)
            or (held.merchant_id is not None and held.merchant_id == merchant_id)
        ):
            return
    raise Forbidden(act=act.value)


def freshly(caller: Caller, act: Act, *, at: datetime) -> None:
    """Refuses `SignInNotFresh` for an act of `FRESHLY` unless the caller signed in less than `FRESH` ago."""
    if act in FRESHLY and (caller.signed_in_at is None or at - caller.signed_in_at > FRESH):
        raise SignInNotFresh(act=act.value)


def within(caller: Caller, act: Act, *, programme_id: int) -> Within:
    """How much of a list `caller` may see under `act`. Refuses as `may`; `Forbidden` when it would be nothing."""
    granted = PERMISSIONS[act]
    held = [one for one in _held(caller, programme_id) if one.role in granted]
    if not held:
        raise Forbidden(act=act.value)
    return Within(
        everything=any(granted[one.role] is Reach.ALL for one in held),
        buyer_ids=frozenset(one.buyer_id for one in held if one.buyer_id is not None),
        merchant_ids=frozenset(one.merchant_id for one in held if one.merchant_id is not None),
    )


def another_person(act: Act, first: str | None, second: str) -> None:
    """Four eyes: `second` may not be the actor who did the first half. Refuses `SamePerson`."""
    if first == second:
        raise SamePerson(act=act.value)


def _held(caller: Caller, programme_id: int) -> list[Held]:
    held = [one for one in caller.held if one.programme_id == programme_id]
    if not held:
        raise NotFound(what="programme", id=programme_id)
    return held
