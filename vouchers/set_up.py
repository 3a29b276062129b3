"""Setting up the next programme: drafted step by step by one person, opened by another.

    draft ─ ready ─ opened          and dropped, from the first two

Answers are kept at every step, so that nothing is lost when one leaves; each step checks what it can at once. A draft
begins with what the programme before it is like. What opens it is composed at the door: the programme, its terms, its
offline rule and its people, in the transaction of `take` and `opened`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, select, update

from vouchers import founding, identity
from vouchers.access import Act, another_person
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import Forbidden, NotFound, SetUpIncomplete, SetUpState
from vouchers.guarantee import OfflineRule, offline_rule_of, refuse_impossible
from vouchers.rules import Rules, Terms, rules, terms
from vouchers.tables import set_up

Values = Mapping[str, Any]
"""The answers of one step: whole numbers, texts, ISO days, lists of cents."""

STEPS: Final = ("issuer", "target", "dates", "vouchers", "money", "offline", "look")
CONTACT_CHARS: Final = 100
_ISSUER: Final = ("name", "address", "siret", "account_holder", "iban", "bic")
_CAPS: Final = OfflineRule.__slots__


@dataclass(frozen=True, slots=True)
class SetUp:
    """A programme being prepared. `answers` by step; `done`: the steps that were answered, the others are proposals."""

    set_up_id: int
    programme_id: int
    state: str
    answers: dict[str, dict[str, Any]]
    done: tuple[str, ...]
    logo: bytes | None
    drafted_by: str
    drafted_at: datetime
    changed_at: datetime
    opened_by: str | None
    opened_programme_id: int | None

    @property
    def missing(self) -> tuple[str, ...]:
        """The steps that are still to be answered, in their order."""
        return tuple(step for step in STEPS if step not in self.done)


@dataclass(frozen=True, slots=True)
class Plan:
    """What opening asks `programmes`, `terms` and `offline` for. `issuer_id`: None for a new issuer."""

    issuer_id: int | None
    issuer: dict[str, Any]
    programme: dict[str, Any]
    terms: Terms
    offline: OfflineRule | None
    drafted_by: str


# ── Drafting ─────────────────────────────────────────────────────────────────────────────────────────────────────
def begin(session: WriteSession, *, programme_id: int, actor: str, at: datetime) -> int:
    """A draft of the programme after this one, with its values proposed; gives its number. Refuses `NotFound`."""
    before = rules(session, programme_id=programme_id)
    said = terms(session, programme_id=programme_id)
    rule = offline_rule_of(session, programme_id=programme_id)
    answers = {
        "issuer": {**_issuer_of(before), "contact": ""},
        "target": {"name": "", "target_cents": None, "host": before.host.lower(), "shops_url": before.shops_url},
        "dates": {"starts_on": None, "expires_on": None, "presentation_deadline_on": None},
        "vouchers": {
            "face_values": list(said.face_values),
            "use_rule": before.use_rule,
            "reversal_window_minutes": before.reversal_window_minutes,
        },
        "money": {
            "commission_bp": before.commission_bp,
            "fee_bp": before.fee_bp,
            "vat_bp": before.vat_bp,
            "rhythm": said.rhythm,
            "lapse_to": before.lapse_to,
        },
        "offline": {"allowed": rule is not None, **(asdict(rule) if rule is not None else {})},
        "look": {"legal_wording": said.legal_wording, "colour": said.colour},
    }
    row = set_up.insert().values(
        programme_id=programme_id,
        state="draft",
        answers=_kept(answers, ()),
        logo=said.logo,
        drafted_by=actor,
        drafted_at=at,
        changed_at=at,
    )
    return int(session.execute(row.returning(set_up.c.id)).scalar_one())


def answer(
    session: WriteSession,
    *,
    programme_id: int,
    set_up_id: int,
    step: str,
    values: Values,
    logo: bytes | None = None,
    actor: str,
    at: datetime,
) -> SetUp:
    """Keep the answers of one step; what was ready is a draft again. `logo` None: the picture stays as it is.

    Refuses `NotFound`, `SetUpState`, `Forbidden` for anybody but who drafts it, `BadInput` with the field.
    """
    known = _locked(session, programme_id=programme_id, set_up_id=set_up_id, wanted=("draft", "ready"))
    _refuse_others(known, actor)
    answers = {**known.answers, step: _CHECKS[step](values)}
    done = tuple(one for one in STEPS if one in {*known.done, step})
    _flip(
        session,
        known,
        state="draft",
        answers=_kept(answers, done),
        changed_at=at,
        **({} if logo is None else {"logo": logo}),
    )
    return find(session, programme_id=programme_id, set_up_id=set_up_id)


def without_logo(session: WriteSession, *, programme_id: int, set_up_id: int, actor: str, at: datetime) -> None:
    """No picture on the vouchers. Refuses as `answer`."""
    known = _locked(session, programme_id=programme_id, set_up_id=set_up_id, wanted=("draft", "ready"))
    _refuse_others(known, actor)
    _flip(session, known, state="draft", logo=None, changed_at=at)


def submit(session: WriteSession, *, programme_id: int, set_up_id: int, actor: str, at: datetime) -> None:
    """Every step is answered: another person may open it. Refuses as `answer`, then `SetUpIncomplete`."""
    known = _locked(session, programme_id=programme_id, set_up_id=set_up_id, wanted=("draft",))
    _refuse_others(known, actor)
    if known.missing:
        raise SetUpIncomplete(missing=len(known.missing))
    _flip(session, known, state="ready", changed_at=at)


def drop(session: WriteSession, *, programme_id: int, set_up_id: int, at: datetime) -> None:
    """Nothing comes of it; anybody who may draft may say so. Refuses `NotFound`, `SetUpState`."""
    known = _locked(session, programme_id=programme_id, set_up_id=set_up_id, wanted=("draft", "ready"))
    _flip(session, known, state="dropped", changed_at=at)


# ── Opening ──────────────────────────────────────────────────────────────────────────────────────────────────────
def take(session: WriteSession, *, programme_id: int, set_up_id: int, actor: str) -> Plan:
    """What is to be opened, kept as it is until the transaction ends; then say so with `opened`.

    Refuses `NotFound`, `SetUpState`, `SamePerson` for who drafted it.
    """
    known = _locked(session, programme_id=programme_id, set_up_id=set_up_id, wanted=("ready",))
    another_person(Act.SET_UP_OPEN, known.drafted_by, actor)
    before = rules(session, programme_id=programme_id)
    said = known.answers
    issuer = {name: said["issuer"][name] for name in _ISSUER}
    return Plan(
        issuer_id=before.issuer_id if issuer == _issuer_of(before) else None,
        issuer=issuer,
        programme={
            **said["target"],
            **{name: date.fromisoformat(day) for name, day in said["dates"].items()},
            "use_rule": said["vouchers"]["use_rule"],
            "reversal_window_minutes": said["vouchers"]["reversal_window_minutes"],
            **{name: said["money"][name] for name in ("commission_bp", "fee_bp", "vat_bp", "lapse_to")},
        },
        terms=Terms(
            face_values=tuple(said["vouchers"]["face_values"]),
            rhythm=said["money"]["rhythm"],
            legal_wording=said["look"]["legal_wording"],
            colour=said["look"]["colour"],
            logo=known.logo,
            outline=terms(session, programme_id=programme_id).outline,
        ),
        offline=_rule(said["offline"]),
        drafted_by=known.drafted_by,
    )


def opened(session: WriteSession, *, programme_id: int, set_up_id: int, opened_programme_id: int, actor: str) -> None:
    """What was taken became this programme."""
    known = find(session, programme_id=programme_id, set_up_id=set_up_id)
    _flip(session, known, state="opened", opened_by=actor, opened_programme_id=opened_programme_id)


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────
def find(session: ReadSession, *, programme_id: int, set_up_id: int) -> SetUp:
    """One, whatever its state. Refuses `NotFound`."""
    row = session.execute(select(set_up).where(set_up.c.programme_id == programme_id, set_up.c.id == set_up_id)).first()
    if row is None:
        raise NotFound(what="set_up", id=set_up_id)
    return _read(row)


def listed(session: ReadSession, *, programme_id: int) -> list[SetUp]:
    """Those under way, the newest first."""
    rows = select(set_up).where(set_up.c.programme_id == programme_id, set_up.c.state.in_(("draft", "ready")))
    return [_read(row) for row in session.execute(rows.order_by(set_up.c.id.desc()))]


# ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _issuer_step(given: Values) -> dict[str, Any]:
    known = founding.issuer(**{name: given[name] for name in _ISSUER})
    contact = identity.name(given["contact"], field="contact", most=CONTACT_CHARS) if given["contact"] else ""
    return {**known, "contact": contact}


def _target_step(given: Values) -> dict[str, Any]:
    name = identity.name(given["name"], field="name")
    founding.target(given["target_cents"])
    founding.host(given["host"])
    address = founding.shops_url(given["shops_url"])
    return {
        "name": name,
        "target_cents": given["target_cents"],
        "host": given["host"].strip().lower(),
        "shops_url": address,
    }


def _dates_step(given: Values) -> dict[str, Any]:
    days = {name: given[name] for name in ("starts_on", "expires_on", "presentation_deadline_on")}
    founding.dates(**days)
    return {name: day.isoformat() for name, day in days.items()}


def _vouchers_step(given: Values) -> dict[str, Any]:
    faces = founding.face_values(given["face_values"])
    founding.words(use_rule=given["use_rule"], lapse_to="breakage")
    founding.window(given["reversal_window_minutes"])
    return {
        "face_values": list(faces),
        "use_rule": given["use_rule"],
        "reversal_window_minutes": given["reversal_window_minutes"],
    }


def _money_step(given: Values) -> dict[str, Any]:
    rates = {name: given[name] for name in ("commission_bp", "fee_bp", "vat_bp")}
    founding.rates(rates)
    founding.words(use_rule="whole", lapse_to=given["lapse_to"])
    founding.terms(Terms(rhythm=given["rhythm"]))
    return {**rates, "rhythm": given["rhythm"], "lapse_to": given["lapse_to"]}


def _offline_step(given: Values) -> dict[str, Any]:
    rule = _rule(given)
    if rule is None:
        return {"allowed": False}
    refuse_impossible(rule)
    return {"allowed": True, **asdict(rule)}


def _look_step(given: Values) -> dict[str, Any]:
    said = founding.terms(Terms(legal_wording=given["legal_wording"], colour=given["colour"]))
    return {"legal_wording": said.legal_wording, "colour": said.colour}


_CHECKS: Final = {
    "issuer": _issuer_step,
    "target": _target_step,
    "dates": _dates_step,
    "vouchers": _vouchers_step,
    "money": _money_step,
    "offline": _offline_step,
    "look": _look_step,
}


def _rule(said: Values) -> OfflineRule | None:
    return OfflineRule(**{name: said[name] for name in _CAPS}) if said["allowed"] else None


def _issuer_of(before: Rules) -> dict[str, Any]:
    return {name: getattr(before, f"issuer_{name}") for name in _ISSUER}


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _kept(answers: Mapping[str, Values], done: Sequence[str]) -> str:
    return json.dumps({"done": list(done), "answers": answers}, ensure_ascii=False, separators=(",", ":"))


def _read(row: Row[Any]) -> SetUp:
    said = json.loads(row.answers)
    return SetUp(
        row.id, row.programme_id, row.state, said["answers"], tuple(said["done"]), row.logo, row.drafted_by,
        row.drafted_at, row.changed_at, row.opened_by, row.opened_programme_id,
    )  # fmt: skip


def _locked(session: WriteSession, *, programme_id: int, set_up_id: int, wanted: Sequence[str]) -> SetUp:
    held = select(set_up).where(set_up.c.programme_id == programme_id, set_up.c.id == set_up_id).with_for_update()
    row = session.execute(held).first()
    if row is None:
        raise NotFound(what="set_up", id=set_up_id)
    if row.state not in wanted:
        raise SetUpState(state=row.state, wanted=", ".join(wanted))
    return _read(row)


def _refuse_others(known: SetUp, actor: str) -> None:
    # Who opens it must be able to say that every answer is another's: so a draft has one author.
    if known.drafted_by != actor:
        raise Forbidden(act=Act.SET_UP_DRAFT.value)


def _flip(session: WriteSession, known: SetUp, **values: Any) -> None:
    flipped = session.execute(
        update(set_up).where(set_up.c.id == known.set_up_id, set_up.c.state == known.state).values(**values)
    )
    assert flipped.rowcount == 1, known.set_up_id
