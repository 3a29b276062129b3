"""What leaves in JSON: the frozen values of the verbs, as they are: instants RFC 3339 in UTC, days ISO, money cents."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from vouchers import bank_accounts, clock, reverse, runs, sales
from vouchers.tills import PairedTill

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `next` is what to ask for as `after` (or `before`); null at the end."""

    items: list[T]
    next: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """The number of what was made."""

    id: int


def shown(value: Any) -> Any:
    """A value of a verb as JSON carries it."""
    named = _named(value)
    if named is not None:
        return {name: shown(field) for name, field in named.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(each) for each in value]
    return _plain(value)


def _named(value: Any) -> dict[str, Any] | None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    return dict(value) if isinstance(value, Mapping) else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def page(found: Sequence[Any], *, limit: int | None = None, number: Callable[[Any], int] | None = None) -> Any:
    """A part of a list, and where the next one begins: nowhere for a whole list, which has no `limit`."""
    more = number is not None and len(found) == limit and bool(found)
    return {"items": shown(found), "next": number(found[-1]) if more and number is not None else None}


# ── A till and what it took ──────────────────────────────────────────────────────────────────────────────────────
@dataclasses.dataclass(frozen=True, slots=True)
class Shop:
    """The shop a till works for."""

    id: int
    shop_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Season:
    """What a till needs of its programme."""

    id: int
    name: str
    host: str
    whole_use: bool
    reversal_window_minutes: int


@dataclasses.dataclass(frozen=True, slots=True)
class At:
    """A paired till, where it stands, and the server's clock in milliseconds."""

    till_id: int
    label: str
    merchant: Shop
    programme: Season
    server_time: int
    weak: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A redemption of a day."""

    redemption: int
    at: str
    cents: int
    reversed_cents: int
    sale_cents: int | None
    serials: list[int]
    till_id: int | None
    till: str
    till_label: str
    cashier: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class PutBack:
    """What a reversal put back on the vouchers of a redemption."""

    reversal: int
    redemption: int
    cents: int
    vouchers: list[reverse.PutBack]


def till_shown(till: PairedTill, *, at: datetime) -> At:
    """A till as it is told where it stands."""
    programme = Season(
        id=till.programme_id,
        name=till.programme_name,
        host=till.host,
        whole_use=till.use_rule == "whole",
        reversal_window_minutes=till.reversal_window_minutes,
    )
    shop = Shop(till.merchant_id, till.shop_name)
    return At(till.till_id, till.label, shop, programme, clock.micros(at) // 1_000, till.weak)


def redemption_shown(listed: sales.Listed) -> dict[str, Any]:
    """A redemption in a list."""
    told: dict[str, Any] = shown(listed)
    return {"redemption": told.pop("redemption_id"), "till": listed.till_label, **told}


def reversal_shown(back: reverse.Reversed) -> dict[str, Any]:
    """What a reversal put back."""
    told: dict[str, Any] = shown(back)
    return {"reversal": told.pop("reversal_id"), "redemption": told.pop("redemption_id"), **told}


# ── Where money goes ─────────────────────────────────────────────────────────────────────────────────────────────
def masked(iban: str) -> str:
    """Enough to recognise an IBAN, not enough to use it: country, key and the last four, 'FR76 •••• 0189'."""
    return f"{iban[:4]} •••• {iban[-4:]}"


def run_shown(run: runs.Run) -> dict[str, Any]:
    """A payment run, its IBANs masked: answers are kept under their keys, and the bank file alone needs them whole."""
    told: dict[str, Any] = shown(run)
    for line in told["settlements"]:
        line["iban"] = None if line["iban"] is None else masked(line["iban"])
    return {**told, "debtor_iban": masked(told["debtor_iban"])}


def account_shown(account: bank_accounts.Account) -> dict[str, Any]:
    """A merchant's account, its IBAN masked, as an answer that is kept carries it."""
    return {**shown(account), "iban": masked(account.iban)}
