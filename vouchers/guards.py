"""I13: the triggers that stand guard over the books, known by their whole text.

The migrations make them; here is said a second time what they must be, so that one taken away, switched off, made
weaker or added since is told. The database gives a trigger's text back as it was made (SQLite), or as it understood it
(PostgreSQL), hence every parenthesis. A trigger that is not in this list is a fault on whatever table it stands, and so
is a rewrite rule: both could change, unseen, what a statement does.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sqlalchemy import text

from vouchers.db import ReadSession

_APPEND_ONLY: Final = (
    "journal", "posting", "balance_snapshot", "seal", "redemption", "reversal", "settlement_line",
    "acceptance", "remitted", "watched", "document", "bank_statement", "bank_match",
)  # fmt: skip
_NEVER_DELETED: Final = (
    "idempotency", "voucher", "batch", "voucher_order", "payment_run", "settlement", "bank_account",
    "dispute", "remittance", "settlement_hold", "bank_line",
)  # fmt: skip
_FIXED: Final = {
    "voucher": "programme_id serial batch_number code_hash control_hash face_cents replaces_serial offline_prefix",
    "batch": "programme_id number order_number first_serial quantity issued_by begun_at",
    "voucher_order": "programme_id number buyer_id rf_reference drafted_by drafted_at",
    "payment_run": "programme_id number from_on to_on upto_journal commission_bp vat_bp debtor_name debtor_iban"
    " debtor_bic proposed_by proposed_at",
    "settlement": "programme_id run_number merchant_id carried_because gross_cents brought_cents commission_cents"
    " vat_cents net_cents account_holder iban",
    "bank_account": "id programme_id merchant_id account_holder iban asked_by asked_at",
    "dispute": "programme_id number merchant_id till_id serial cents because accepted_at opened_at",
    "remittance": "programme_id number merchant_id opened_by opened_at",
    "settlement_hold": "programme_id number merchant_id journal_id line because held_by held_at",
    "bank_line": "programme_id number statement_number reference part cents booked_on value_on name iban rf text"
    " end_to_end_id message_id return_reason",
}
_FIXED_ONCE_WRITTEN: Final = {
    "batch": "printed_by printed_at activated_by activated_at",
    "voucher_order": "placed_by approved_by accepted_by",
    "payment_run": "approved_by approved_at execution_on",
    "settlement": "journal_id",
    "bank_account": "confirmed_by confirmed_at",
    "dispute": "decided_by decided_at decision journal_id",
    "remittance": "closed_by closed_at",
    "settlement_hold": "released_by released_at released_because",
}
_FIXED_ONCE_PLACED: Final = {"voucher_order": "fee_cents fee_vat_cents"}
_STEPS: Final = {
    "voucher": "printed>active printed>cancelled printed>expired printed>replaced active>blocked active>redeemed"
    " active>expired active>cancelled active>replaced blocked>active blocked>cancelled blocked>replaced"
    " redeemed>active",
    "batch": "issuing>issued issued>printed printed>active",
    "voucher_order": "draft>placed placed>approved approved>paid approved>accepted paid>issuing accepted>issuing"
    " issuing>issued issued>delivered draft>cancelled placed>cancelled approved>cancelled paid>cancelled"
    " accepted>cancelled",
    "payment_run": "proposed>withdrawn proposed>approved approved>exported exported>executed",
    "settlement": "to_pay>paid to_pay>returned paid>returned",
    "bank_account": "asked>confirmed asked>withdrawn confirmed>withdrawn",
    "dispute": "open>guaranteed open>dismissed",
    "remittance": "open>closed",
    "bank_line": "open>done open>set_aside set_aside>open",
}
_REFUSE: Final = "BEGIN RAISE EXCEPTION '% refused: %', TG_OP, TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END"
_REFUSE_PLACED_LINE: Final = (
    "BEGIN IF (SELECT state FROM voucher_order WHERE programme_id = OLD.programme_id AND number = OLD.order_number)"
    " <> 'draft' THEN RAISE EXCEPTION '% refused: a placed order keeps its lines', TG_OP"
    " USING ERRCODE = 'restrict_violation'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END"
)


class Strayed(NamedTuple):
    """A trigger (or rule) that is not as it must be."""

    table: str
    key: str
    found: str
    expected: str


def strayed(session: ReadSession) -> Iterator[Strayed]:
    """What is missing or another, then what is too much, each in the order of the names."""
    lite = session.dialect.name == "sqlite"
    standing = {
        f"{kind} {name}": (table, " ".join(said.replace("::text", "").split()))
        for kind, name, table, said in session.execute(text(_LITE if lite else _POSTGRES))
    }
    made = _for_sqlite() if lite else _for_postgresql()
    expected = {f"trigger {name}": (table, said) for name, table, said in made}
    for key, (table, said) in sorted(expected.items()):
        found = standing.get(key, (table, "no such trigger"))
        if found != (table, said):
            yield Strayed(table, key, _from_where_they_differ(found[1], said), _from_where_they_differ(said, found[1]))
    for key in sorted(standing.keys() - expected.keys()):
        yield Strayed(standing[key][0], key, standing[key][1], "none")


def _from_where_they_differ(said: str, other: str) -> str:
    at = next((at for at, (one, two) in enumerate(zip(said, other, strict=False)) if one != two), 0)
    return said if at < 40 else f"… {said[at - 20 : at + 80]}"


class _Guard(NamedTuple):
    name: str
    table: str
    act: str
    says: str
    when: str


def _guards() -> Iterator[_Guard]:
    for table in _APPEND_ONLY:
        for act in ("UPDATE", "DELETE"):
            yield _Guard(f"{table}_no_{act.lower()}", table, act, f"{table} is append-only", "")
    for table in _NEVER_DELETED:
        yield _Guard(f"{table}_no_delete", table, "DELETE", f"a row of {table} is never deleted", "")
    claim = [_changed(column) for column in ("programme_id", "scope", "key", "request_hash")]
    kept = f"({' OR '.join(['(old.answer IS NOT NULL)', *claim])})"
    yield _Guard("idempotency_kept", "idempotency", "UPDATE", "an answer is kept for ever", kept)
    for table, columns in _FIXED.items():
        once = _FIXED_ONCE_WRITTEN.get(table, "").split()
        placed = _FIXED_ONCE_PLACED.get(table, "").split()
        changes = [
            *(_changed(column) for column in columns.split()),
            *(f"((old.{column} IS NOT NULL) AND {_changed(column)})" for column in once),
            *(f"((old.state <> 'draft') AND {_changed(column)})" for column in placed),
        ]
        changed = f"({' OR '.join(changes)})"
        yield _Guard(f"{table}_fixed", table, "UPDATE", f"this is fixed on a row of {table}", changed)
    for table, steps in _STEPS.items():
        ways = [
            f"((old.state = '{before}') AND (new.state = '{after}'))"
            for before, _, after in (step.partition(">") for step in steps.split())
        ]
        legal = ways[0] if len(ways) == 1 else f"({' OR '.join(ways)})"
        beyond = f"((new.state <> old.state) AND (NOT {legal}))"
        yield _Guard(f"{table}_step", table, "UPDATE", f"no such step of {table}", beyond)


def _changed(column: str) -> str:
    return f"(new.{column} IS DISTINCT FROM old.{column})"


def _for_sqlite() -> Iterator[tuple[str, str, str]]:
    placed = (
        "((SELECT state FROM voucher_order WHERE programme_id = old.programme_id AND number = old.order_number)"
        " <> 'draft')"
    )
    lines = (
        _Guard(f"order_line_no_{act.lower()}", "order_line", act, "a placed order keeps its lines", placed)
        for act in ("UPDATE", "DELETE")
    )
    for name, table, act, says, when in (*_guards(), *lines):
        condition = f"WHEN {when} " if when else ""
        refusal = f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
        yield name, table, f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW {condition}{refusal}"


def _for_postgresql() -> Iterator[tuple[str, str, str]]:
    def made(name: str, table: str, event: str, does: str) -> tuple[str, str, str]:
        return name, table, f"CREATE TRIGGER {name} BEFORE {event} EXECUTE FUNCTION {does}"

    for name, table, act, says, when in _guards():
        condition = f" WHEN ({when})" if when else ""
        does = f"refuse_change('{says}') AS plpgsql {_REFUSE}"
        yield made(name, table, f"{act} ON {table} FOR EACH ROW{condition}", does)
    does = f"refuse_placed_line() AS plpgsql {_REFUSE_PLACED_LINE}"
    yield made("order_line_kept", "order_line", "DELETE OR UPDATE ON order_line FOR EACH ROW", does)
    for table in (*_APPEND_ONLY, *_NEVER_DELETED, "order_line"):
        does = f"refuse_change('{table} is never emptied') AS plpgsql {_REFUSE}"
        yield made(f"{table}_no_truncate", table, f"TRUNCATE ON {table} FOR EACH STATEMENT", does)


_LITE: Final = "SELECT 'trigger', name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
_POSTGRES: Final = """
    SELECT 'trigger', t.tgname, c.relname, CASE WHEN t.tgenabled IN ('O', 'A') THEN '' ELSE 'switched off: ' END
      || replace(pg_get_triggerdef(t.oid), quote_ident(current_schema()) || '.', '') || ' AS ' || l.lanname || ' '
      || p.prosrc
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_language l ON l.oid = p.prolang
    WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
    UNION ALL SELECT 'rule', rulename, tablename, definition FROM pg_rules WHERE schemaname = current_schema()"""
