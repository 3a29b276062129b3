"""Buyers and merchants, and the bank accounts that merchants are paid on."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from vouchers import bank_accounts, people
from vouchers.access import Act
from vouchers.api.fields import After, Body, CentsOrNone, Limit, Line, Lines, NumberInPath, Why
from vouchers.api.guard import AtDesk, AtKeyedDesk, Own, Owner, does, of_merchant
from vouchers.api.shapes import Made, Page, account_shown, page
from vouchers.db import ReadSession, WriteSession

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["People"])


class NewBuyer(Body):
    """A commune, a CCAS, a firm. `exposure_cap_cents`: what it may owe before it has paid."""

    name: Annotated[Line, Field(examples=["Commune de Falaise"])]
    address: Lines
    siret: Annotated[Line, Field(examples=["21140258600016"])] | None = None
    exposure_cap_cents: CentsOrNone = 0


class NewMerchant(Body):
    """A shop that joins."""

    legal_name: Annotated[Line, Field(examples=["SARL Au Pain d'Œillette"])]
    shop_name: Annotated[Line, Field(examples=["Boulangerie Au Pain d'Œillette"])]
    siret: Annotated[Line, Field(examples=["73282932000074"])]
    trade: Annotated[Line, Field(examples=["Boulangerie"])]
    commune: Annotated[Line, Field(examples=["Falaise"])]


class NewAccount(Body):
    """Where a merchant asks to be paid."""

    account_holder: Annotated[Line, Field(examples=["SARL Au Pain d'Œillette"])]
    iban: Annotated[Line, Field(examples=["FR7630006000011234567890189"])]


def _of_account(programme_id: int, account_id: int) -> Owner:
    return lambda session: Own(
        merchant_id=bank_accounts.find_account(session, programme_id=programme_id, account_id=account_id).merchant_id
    )


# ── Buyers ───────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/buyers", **does(Act.BUYER_ENROL, gives=Made, status=201))
async def enrol_buyer(body: NewBuyer, desk: AtKeyedDesk) -> Response:
    """Enrol a buyer."""
    return await desk.once(
        lambda session: {"id": people.enrol_buyer(session, **desk.doing, **body.model_dump())}, status=201
    )


@router.get("/buyers", **does(Act.BUYER_READ, gives=Page[people.Buyer]))
async def buyers(desk: AtDesk, after: After = 0, limit: Limit = 50) -> Response:
    """The buyers, by number; one's own for a buyer's person."""
    programme_id = desk.programme_id
    return await desk.answer_within(
        lambda session, reach: page(
            people.buyers(session, programme_id=programme_id, after=after, limit=limit)
            if reach.everything
            else [
                people.find_buyer(session, programme_id=programme_id, buyer_id=own) for own in sorted(reach.buyer_ids)
            ],
            limit=limit if reach.everything else None,
            number=lambda buyer: buyer.buyer_id,
        )
    )


@router.get("/buyers/{buyer_id}", **does(Act.BUYER_READ, gives=people.Buyer))
async def buyer(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """One buyer."""
    return await desk.answer(
        lambda session: people.find_buyer(session, programme_id=desk.programme_id, buyer_id=buyer_id),
        of=lambda _session: Own(buyer_id=buyer_id),
    )


# ── Merchants ────────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/merchants", **does(Act.MERCHANT_ENROL, gives=Made, status=201))
async def enrol_merchant(body: NewMerchant, desk: AtKeyedDesk) -> Response:
    """Enrol a shop."""
    return await desk.once(
        lambda session: {"id": people.enrol_merchant(session, **desk.doing, **body.model_dump())}, status=201
    )


@router.get("/merchants", **does(Act.MERCHANT_READ, gives=Page[people.Merchant]))
async def merchants(desk: AtDesk, after: After = 0, limit: Limit = 50) -> Response:
    """The merchants, by number; one's own for an owner."""
    programme_id = desk.programme_id
    return await desk.answer_within(
        lambda session, reach: page(
            people.merchants(session, programme_id=programme_id, after=after, limit=limit)
            if reach.everything
            else [
                people.find_merchant(session, programme_id=programme_id, merchant_id=own) for own in reach.merchant_ids
            ],
            limit=limit if reach.everything else None,
            number=lambda merchant: merchant.merchant_id,
        )
    )


@router.get("/merchants/{merchant_id}", **does(Act.MERCHANT_READ, gives=people.Merchant))
async def merchant(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """One merchant."""
    return await desk.answer(
        lambda session: people.find_merchant(session, programme_id=desk.programme_id, merchant_id=merchant_id),
        of=of_merchant(merchant_id),
    )


@router.post("/merchants/{merchant_id}/suspension", **does(Act.MERCHANT_SUSPEND, gives=people.Merchant))
async def suspend_merchant(body: Why, desk: AtKeyedDesk, merchant_id: NumberInPath) -> Response:
    """It accepts no voucher from now on; what it is owed stays."""

    def suspended(session: WriteSession) -> people.Merchant:
        people.suspend_merchant(session, **desk.doing, merchant_id=merchant_id, reason=body.reason)
        return people.find_merchant(session, programme_id=desk.programme_id, merchant_id=merchant_id)

    return await desk.once(suspended)


@router.post("/merchants/{merchant_id}/restoration", **does(Act.MERCHANT_SUSPEND, gives=people.Merchant))
async def restore_merchant(body: Why, desk: AtKeyedDesk, merchant_id: NumberInPath) -> Response:
    """It accepts vouchers again."""

    def restored(session: WriteSession) -> people.Merchant:
        people.restore_merchant(session, **desk.doing, merchant_id=merchant_id, reason=body.reason)
        return people.find_merchant(session, programme_id=desk.programme_id, merchant_id=merchant_id)

    return await desk.once(restored)


# ── Bank accounts ────────────────────────────────────────────────────────────────────────────────────────────────
@router.post("/merchants/{merchant_id}/accounts", **does(Act.ACCOUNT_ASK, gives=Made, status=201))
async def ask_account(body: NewAccount, desk: AtKeyedDesk, merchant_id: NumberInPath) -> Response:
    """Ask that a merchant be paid on this account; another person confirms it."""
    return await desk.once(
        lambda session: {
            "id": bank_accounts.ask_account(session, **desk.doing, merchant_id=merchant_id, **body.model_dump())
        },
        of=of_merchant(merchant_id),
        status=201,
    )


@router.get("/merchants/{merchant_id}/accounts", **does(Act.ACCOUNT_READ, gives=Page[bank_accounts.Account]))
async def accounts(desk: AtDesk, merchant_id: NumberInPath) -> Response:
    """Every account ever asked for a merchant, oldest first. Whole IBANs here alone, for who confirms: the chamber."""

    def seen(session: ReadSession) -> Any:
        found = bank_accounts.accounts_of(session, programme_id=desk.programme_id, merchant_id=merchant_id)
        return page(found if desk.reach.everything else [account_shown(account) for account in found])

    return await desk.answer(seen, of=of_merchant(merchant_id))


@router.post("/accounts/{account_id}/confirmation", **does(Act.ACCOUNT_CONFIRM, gives=bank_accounts.Account))
async def confirm_account(body: Why, desk: AtKeyedDesk, account_id: NumberInPath) -> Response:
    """Another person confirms, saying who was called back. In force at once for a first account, else in 48 hours."""
    return await desk.once(
        lambda session: account_shown(
            bank_accounts.confirm_account(session, **desk.doing, account_id=account_id, reason=body.reason)
        ),
        of=_of_account(desk.programme_id, account_id),
    )


@router.post("/accounts/{account_id}/withdrawal", **does(Act.ACCOUNT_WITHDRAW, gives=bank_accounts.Account))
async def withdraw_account(body: Why, desk: AtKeyedDesk, account_id: NumberInPath) -> Response:
    """Give up a change that is not in force yet."""

    def withdrawn(session: WriteSession) -> dict[str, Any]:
        bank_accounts.withdraw_account(session, **desk.doing, account_id=account_id, reason=body.reason)
        found = bank_accounts.find_account(session, programme_id=desk.programme_id, account_id=account_id)
        return account_shown(found)

    return await desk.once(withdrawn, of=_of_account(desk.programme_id, account_id))
