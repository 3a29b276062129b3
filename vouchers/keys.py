"""A request that moves value is done once, whatever the number of times it is sent.

The caller makes a key and keeps it until it is answered. Under that key the first answer is kept for as long as the
ledger, a refusal like an acceptance: same key and same content give it again; same key and other content are refused.
The key is claimed in the transaction of the act itself, so there is no moment at which one is durable without the
other; a twin that arrives meanwhile waits for that transaction, then reads its answer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from vouchers.db import WriteSession
from vouchers.errors import KeyReused, Refusal, refusal_of
from vouchers.prepared import Prepared
from vouchers.tables import idempotency


@dataclass(frozen=True, slots=True)
class Key:
    """The caller's key (1 to 64 characters), in the scope of that caller ('till:7'), and the content's fingerprint."""

    scope: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered under a key: a plain value that JSON carries, or a refusal. `replayed`: it was so before."""

    value: dict[str, Any] | None
    refusal: Refusal | None
    replayed: bool

    def accepted(self) -> dict[str, Any]:
        """The value; raises the refusal if it was one."""
        if self.refusal is not None:
            raise self.refusal
        assert self.value is not None
        return self.value


def once(
    session: WriteSession, *, programme_id: int, key: Key, at: datetime, act: Callable[[], dict[str, Any]]
) -> Answer:
    """Do `act` under `key`, once. Raises `KeyReused`, and nothing else: what `act` refuses is kept and given back.

    `act` works in the same session. What it wrote before it refused is undone.
    """
    if not _claimed(session, programme_id=programme_id, key=key, at=at):
        return _first_answer(session, programme_id=programme_id, key=key)
    _SAVEPOINT.count(session, {})
    try:
        value = act()
    except Refusal as refusal:
        session.exec_driver_sql("ROLLBACK TO SAVEPOINT act")
        _keep(session, programme_id=programme_id, key=key, refused=refusal.reason, answer=refusal.data)
        return Answer(None, refusal, replayed=False)
    _RELEASE.count(session, {})
    _keep(session, programme_id=programme_id, key=key, refused=None, answer=value)
    return Answer(value, None, replayed=False)


# Statements of every redemption are built once: building one costs more than running it.
_ROW: Final = (
    idempotency.c.programme_id == bindparam("of_programme"),
    idempotency.c.scope == bindparam("of_scope"),
    idempotency.c.key == bindparam("of_key"),
)
_BARRIER: Final = text("SELECT pg_logical_emit_message(true, 'vouchers', 'replayed')")
_CLAIM: Final = {
    "sqlite": Prepared(sqlite.insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.key)),
    "postgresql": Prepared(postgresql.insert(idempotency).on_conflict_do_nothing().returning(idempotency.c.key)),
}
_FIRST: Final = select(idempotency.c.request_hash, idempotency.c.refused, idempotency.c.answer).where(*_ROW)
_KEEP: Final = Prepared(
    update(idempotency).where(*_ROW).values(refused=bindparam("of_refused"), answer=bindparam("of_answer"))
)
_SAVEPOINT: Final = Prepared(text("SAVEPOINT act"))
_RELEASE: Final = Prepared(text("RELEASE SAVEPOINT act"))


def _claimed(session: WriteSession, *, programme_id: int, key: Key, at: datetime) -> bool:
    claim = {
        "programme_id": programme_id,
        "scope": key.scope,
        "key": key.key,
        "request_hash": key.request_hash,
        "at": at,
    }
    return bool(_CLAIM[session.dialect.name].rows(session, claim))


def _first_answer(session: WriteSession, *, programme_id: int, key: Key) -> Answer:
    row = session.execute(_FIRST, _named(programme_id, key)).one()
    if session.dialect.name == "postgresql":
        # The first answer may be visible here and not yet on the synchronous standby. A commit that writes something
        # waits for the standby, and for all that was written before it.
        session.execute(_BARRIER)
    if row.request_hash != key.request_hash:
        raise KeyReused
    answer = json.loads(row.answer)
    if row.refused is not None:
        return Answer(None, refusal_of(row.refused, answer), replayed=True)
    return Answer(answer, None, replayed=True)


def _keep(session: WriteSession, *, programme_id: int, key: Key, refused: str | None, answer: dict[str, Any]) -> None:
    kept = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    _KEEP.count(session, _named(programme_id, key) | {"of_refused": refused, "of_answer": kept})


def _named(programme_id: int, key: Key) -> dict[str, Any]:
    return {"of_programme": programme_id, "of_scope": key.scope, "of_key": key.key}
