"""A phone becomes a till of one shop, signs what it asks, and can be shut out at once."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers import (
    NOON,
    PEPPER,
    SESSION_KEY,
    PairedPhone,
    Phone,
    WeakPhone,
    a_merchant,
    a_pairing_code,
    a_programme,
    a_till,
    later,
)
from vouchers import clock, codes, till_keys, tills
from vouchers.access import Act, may
from vouchers.db import Database
from vouchers.errors import (
    BadInput,
    ClockSkew,
    Forbidden,
    NonceReused,
    NotFound,
    PairingCodeInvalid,
    Refusal,
    SignatureInvalid,
    TillRevoked,
)
from vouchers.tables import journal, pairing, till
from vouchers.tills import NonceMemory, PairedTill, SignedRequest


def check(
    house: Database,
    request: SignedRequest,
    *,
    nonces: NonceMemory | None = None,
    seconds: int = 0,
    revoked: Literal["refused", "heard"] = "refused",
) -> PairedTill:
    memory = nonces or NonceMemory()
    return house.read(
        lambda session: tills.check_request(
            session, request=request, pepper=PEPPER, nonces=memory, at=later(seconds=seconds), revoked=revoked
        )
    )


def tills_in(house: Database) -> int:
    return len(house.read(lambda session: session.execute(till.select()).all()))


def test_a_paired_phone_is_known_by_its_signature(house: Database) -> None:
    programme_id = a_programme(house)
    paired = a_till(house, programme_id=programme_id)
    request = paired.request(path="/api/v1/till/redemptions?day=2026-11-20", body="{é}".encode(), key="a-key")
    known = check(house, request)
    assert known == paired.till
    assert (known.shop_name, known.host, known.use_rule) == ("Boulangerie Lemoine", "CHEQUES.EXAMPLE.FR", "whole")
    may(known.caller(), Act.REDEMPTION_MAKE, programme_id=programme_id, merchant_id=known.merchant_id)
    with pytest.raises(Forbidden):
        may(known.caller(), Act.REDEMPTION_MAKE, programme_id=programme_id, merchant_id=known.merchant_id + 1)
    recorded = house.read(lambda session: session.execute(journal.select().order_by(journal.c.id.desc())).first())
    assert recorded is not None
    assert (recorded.kind, recorded.subject) == ("till_paired", f"till:{known.till_id}")


def test_a_pairing_code_serves_one_phone(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    code = a_pairing_code(house, programme_id=programme_id, merchant_id=merchant_id)
    phone = Phone()
    paired = phone.paired(house, code=f"{code[:5]} {code[5:].lower()}")
    with pytest.raises(PairingCodeInvalid):
        Phone().paired(house, code=code)
    assert phone.paired(house, code=code, at=later(minutes=14)) == paired, "its answer was lost on the way"
    with pytest.raises(PairingCodeInvalid):
        phone.paired(house, code=code, at=later(minutes=15))
    kept = house.read(lambda session: session.execute(pairing.select()).one())
    assert code not in str(kept)
    assert tills_in(house) == 1


@pytest.mark.parametrize("code", ["ABCDE23456", "", "é", "A" * 10_000])
def test_a_code_that_nobody_made_is_refused(house: Database, code: str) -> None:
    with pytest.raises(PairingCodeInvalid):
        Phone().paired(house, code=code)
    assert tills_in(house) == 0


def test_a_pairing_code_lasts_a_quarter_of_an_hour(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    code = a_pairing_code(house, programme_id=programme_id, merchant_id=merchant_id)
    with pytest.raises(PairingCodeInvalid):
        Phone().paired(house, code=code, at=later(minutes=15))
    assert Phone().paired(house, code=code, at=later(minutes=14, seconds=59)).merchant_id == merchant_id


def test_of_two_phones_with_one_code_exactly_one_is_paired(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    code = a_pairing_code(house, programme_id=programme_id, merchant_id=merchant_id)
    outcomes: list[object] = []
    together = threading.Barrier(6)

    def try_it() -> None:
        phone = Phone()
        together.wait()
        try:
            outcomes.append(phone.paired(house, code=code))
        except Refusal as refusal:
            outcomes.append(type(refusal))

    phones = [threading.Thread(target=try_it) for _ in range(6)]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    assert outcomes.count(PairingCodeInvalid) == 5
    assert tills_in(house) == 1


def test_a_phone_proves_that_it_holds_the_key_it_shows(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    code = a_pairing_code(house, programme_id=programme_id, merchant_id=merchant_id)
    honest, thief = Phone(), Phone()
    message = tills.pairing_message(code=code, public_key=honest.public_key, label="x")

    def pair(public_key: bytes, label: str, signature: bytes) -> None:
        house.write(
            lambda session: tills.pair(
                session,
                code=code,
                key=till_keys.strong_key(public_key),
                label=label,
                signature=signature,
                session_key=SESSION_KEY,
                pepper=PEPPER,
                at=NOON,
            )
        )

    off_the_curve = b"\x04" + bytes(64)
    for public_key, label, signature, refusal in (
        (honest.public_key, "x", thief.sign(message), SignatureInvalid),
        (thief.public_key, "x", honest.sign(message), SignatureInvalid),
        (honest.public_key, "y", honest.sign(message), SignatureInvalid),
        (honest.public_key, "x", b"", SignatureInvalid),
        (honest.public_key, "x", bytes(64), SignatureInvalid),
        (off_the_curve, "x", honest.sign(message), BadInput),
        (honest.public_key[:33], "x", honest.sign(message), BadInput),
        (honest.public_key, "\n", honest.sign(message), BadInput),
    ):
        with pytest.raises(refusal):
            pair(public_key, label, signature)
    pair(honest.public_key, "x", honest.sign(message))


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@pytest.mark.parametrize("phone", [Phone(), WeakPhone()], ids=["strong", "weak"])
@given(
    change=st.one_of(
        st.fixed_dictionaries({"method": TEXT}),
        st.fixed_dictionaries({"path": TEXT}),
        st.fixed_dictionaries({"time_ms": st.integers(-(2**62), 2**62)}),
        st.fixed_dictionaries({"nonce": TEXT}),
        st.fixed_dictionaries({"key": TEXT}),
        st.fixed_dictionaries({"body": st.binary(max_size=12)}),
        st.fixed_dictionaries({"signature": st.binary(min_size=60, max_size=66) | st.binary(min_size=30, max_size=33)}),
    )
)
def test_no_part_of_a_signed_request_can_be_changed(phone: Phone, change: dict[str, object]) -> None:
    paired = PairedTill(7, "", *phone.till_key, 1, "", "active", 1, "", "", "whole", 15)
    honest = PairedPhone(phone, paired).request(body=b"{}", key="a-key")
    tampered = replace(honest, **change)

    def verify(request: SignedRequest) -> None:
        message = tills.signed_message(request)
        tills.verify_by(paired, message=message, signature=request.signature, pepper=PEPPER)

    verify(honest)
    if tampered != honest:
        with pytest.raises(SignatureInvalid):
            verify(tampered)


def test_another_tills_signature_is_refused(house: Database) -> None:
    programme_id = a_programme(house)
    one, two = a_till(house, programme_id=programme_id), a_till(house, programme_id=programme_id)
    stolen = replace(one.request(), till_id=two.till.till_id)
    with pytest.raises(SignatureInvalid):
        check(house, stolen)
    with pytest.raises(SignatureInvalid):
        check(house, one.signed(replace(one.request(), nonce="short")))


def test_a_clock_may_be_five_minutes_off_and_is_told_the_time(house: Database) -> None:
    paired = a_till(house, programme_id=a_programme(house))
    assert check(house, paired.request(), seconds=300) == paired.till
    assert check(house, paired.request(at=later(minutes=5))) == paired.till
    with pytest.raises(ClockSkew) as refused:
        check(house, paired.request(), seconds=301)
    assert refused.value.data == {"server_time": clock.micros(later(seconds=301)) // 1_000}


def test_a_recorded_request_is_answered_once(house: Database) -> None:
    paired = a_till(house, programme_id=a_programme(house))
    nonces, request = NonceMemory(), paired.request()
    check(house, request, nonces=nonces)
    with pytest.raises(NonceReused):
        check(house, request, nonces=nonces, seconds=300)


def test_nonces_are_remembered_as_long_as_their_time_is_accepted_and_no_more_than_fit() -> None:
    nonces = NonceMemory(most=3)
    nonces.take(till_id=1, nonce="a", at=NOON)
    nonces.take(till_id=2, nonce="a", at=NOON)
    with pytest.raises(NonceReused):
        nonces.take(till_id=1, nonce="a", at=NOON + timedelta(minutes=10))
    for number in range(20):
        nonces.take(till_id=1, nonce=f"n{number}", at=NOON + timedelta(minutes=10))
    assert len(nonces._now) + len(nonces._before) <= 6


def test_a_revoked_till_is_refused_at_its_next_request(house: Database) -> None:
    programme_id, other = a_programme(house), a_programme(house)
    paired = a_till(house, programme_id=programme_id)
    till_id, shop = paired.till.till_id, paired.till.merchant_id

    def rename(label: str) -> None:
        house.write(
            lambda session: tills.rename_till(
                session, programme_id=programme_id, till_id=till_id, label=label, actor="staff:1", at=NOON
            )
        )

    def revoke(programme: int) -> None:
        house.write(
            lambda session: tills.revoke_till(
                session, programme_id=programme, till_id=till_id, reason="perdu", actor="staff:1", at=NOON
            )
        )

    rename("Marché du jeudi")
    assert check(house, paired.request()).label == "Marché du jeudi"
    with pytest.raises(NotFound):
        revoke(other)
    revoke(programme_id)
    with pytest.raises(TillRevoked):
        check(house, paired.request())
    with pytest.raises(ClockSkew):
        check(house, paired.request(), seconds=301)
    assert check(house, paired.request(), revoked="heard").revoked_at == NOON, "what it took before is still heard"
    # Who cannot sign for it does not learn that it was revoked, nor that there is no such till.
    for stranger in (
        replace(paired.request(), signature=Phone().sign(b"")),
        paired.signed(replace(paired.request(), till_id=2**70)),
    ):
        with pytest.raises(SignatureInvalid):
            check(house, stranger)
    listed = house.read(lambda session: tills.tills_of(session, programme_id=programme_id, merchant_id=shop))
    assert [(one.label, one.revoked_at) for one in listed] == [("Marché du jeudi", NOON)]


# ── Phones that keep no key ──────────────────────────────────────────────────────────────────────────────────────
def test_a_phone_that_keeps_no_key_signs_with_a_secret_and_is_shown_as_weak(house: Database) -> None:
    programme_id = a_programme(house)
    merchant_id = a_merchant(house, programme_id=programme_id)
    code = a_pairing_code(house, programme_id=programme_id, merchant_id=merchant_id)
    phone = WeakPhone()
    paired = PairedPhone(phone, phone.paired(house, code=code))
    assert phone.paired(house, code=code) == paired.till, "its answer was lost on the way"
    with pytest.raises(PairingCodeInvalid):
        WeakPhone().paired(house, code=code)
    assert check(house, paired.request(body=b"{}", key="a-key")).weak
    strong = a_till(house, programme_id=programme_id, merchant_id=merchant_id)
    listed = house.read(lambda session: tills.tills_of(session, programme_id=programme_id, merchant_id=merchant_id))
    assert [(one.till_id, one.weak) for one in listed] == [(strong.till.till_id, False), (paired.till.till_id, True)]
    kept = house.read(lambda session: session.execute(till.select().where(till.c.id == paired.till.till_id)).one())
    assert phone.secret not in kept.weak_secret and kept.public_key != phone.secret


def test_neither_kind_of_till_is_opened_by_the_others_signature(house: Database) -> None:
    programme_id = a_programme(house)
    strong = a_till(house, programme_id=programme_id)
    weak = a_till(house, programme_id=programme_id, kind=WeakPhone)
    for mine, theirs in ((strong, weak), (weak, strong)):
        with pytest.raises(SignatureInvalid):
            check(house, replace(mine.request(), till_id=theirs.till.till_id))
    unknown = weak.signed(replace(weak.request(), till_id=999_999))
    hollow = PairedPhone(WeakPhone(), replace(weak.till, till_id=999_999))
    hollow.phone.secret = bytes(32)
    for stranger in (unknown, hollow.request()):
        with pytest.raises(SignatureInvalid):
            check(house, stranger)
    with pytest.raises(BadInput):
        till_keys.weak_key(bytes(31), pepper=PEPPER)
    sealed = codes.seal_till_secret(PEPPER, bytes(32))
    for pepper, secret_hash in ((bytes(32), till_keys.weak_key(bytes(32), pepper=PEPPER).public_key), (PEPPER, b"")):
        with pytest.raises(codes.SealBroken):
            codes.unseal_till_secret(pepper, secret_hash=secret_hash, sealed=sealed)
