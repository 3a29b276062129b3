"""The memory: one SQLite file, or a PostgreSQL server. The only room that opens, commits or retries a transaction.

A door hands over a job, a function of a session, and gets its result once the transaction is durable:

    house.read(order_book.find, programme_id=1, number=12)
    house.write(redeem.redeem, programme_id=1, …)
    house.write(lambda session: …)          two verbs in one breath

A job may be run again (after a deadlock, or alone after a group it was in fell through), so it touches nothing but
its session and what it returns. A refusal raised in a job undoes all the job wrote.

SQLite has one writer: one thread, one connection, `BEGIN IMMEDIATE`, and up to `GROUP` waiting jobs in one durable
commit, each behind its own savepoint; answers are given after that commit. PostgreSQL runs each write in a
transaction of its own, on the connection pool.

Why so: SQLite's locks are not fair and a deferred transaction that turns to writing fails at once, whatever the
timeout; 3.7 to 3.51.2 can lose commits when two connections checkpoint a WAL (fixed in 3.51.3), and an interpreter's
own sqlite3 is often that old, hence `pysqlite3`. On PostgreSQL a commit waiting for its synchronous standby answers
success with a warning when the wait is cancelled: that warning is an unknown outcome here, never a yes.
"""

import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Final, NewType, ParamSpec, TypeVar

import psycopg
import pysqlite3.dbapi2 as sqlite
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

ReadSession = Connection
"""A transaction that only reads."""
WriteSession = NewType("WriteSession", Connection)
"""A transaction that may write; it can be read from too. A verb that takes one changes something."""

T = TypeVar("T")
P = ParamSpec("P")
Job = Callable[[WriteSession], T]

GROUP: Final = 32
"""Most jobs in one SQLite commit."""
QUEUE: Final = 2_000
"""Most jobs waiting for the SQLite writer; beyond, the house says it is busy rather than growing."""
TRIES: Final = 6
_OLDEST_SQLITE: Final = (3, 51, 3)
_RETRIED_SQLSTATES: Final = frozenset({"40001", "40P01", "55P03"})
_SYNC_WAIT_CANCELLED: Final = "01000"


class DatabaseFault(Exception):
    """A database this house will not work on; the text says why."""


class OutcomeUnknown(Exception):
    """The commit failed or fell silent: it may have happened. Ask again with the same key; never read it as a no."""


class LockLost(Exception):
    """A guarded UPDATE found another row than its lock had shown: all the job wrote is undone. Never expected."""


class Busy(Exception):
    """Nothing was done: too much is waiting, or the house is closing. Ask again, with the same key."""


@dataclass(slots=True)
class _Waiting:
    job: Job[Any]
    future: Future[Any]


class Database:
    """One database, open. `read` and `write` are safe from any thread; `close` ends the writer and the pool."""

    def __init__(self, url: str | URL) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self._writer: _GroupWriter | None = None
        if self.dialect == "sqlite":
            self._read_engine = _sqlite_engine(self.url, query_only=True)
            self._write_engine = _sqlite_engine(self.url, query_only=False)
        elif self.dialect == "postgresql":
            self._write_engine = _postgres_engine(self.url)
            # A report is many statements: they see one moment. Redemption writes at READ COMMITTED, where a guarded
            # UPDATE that waited is judged again on the row as it then is.
            self._read_engine = self._write_engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            raise DatabaseFault(f"{self.dialect}: SQLite and PostgreSQL are the two engines of this house")
        self._starting = threading.Lock()
        self._closed = False

    def read(self, job: Callable[Concatenate[ReadSession, P], T], *given: P.args, **named: P.kwargs) -> T:
        """Run `job`, a verb and what it is told, on one moment of the database."""
        with self._read_engine.connect() as session:
            session.begin()
            return job(session, *given, **named)

    def write(self, job: Callable[Concatenate[WriteSession, P], T], *given: P.args, **named: P.kwargs) -> T:
        """Run `job` and make it durable. Raises what the job raises, `OutcomeUnknown`, or `Busy`."""

        def told(session: WriteSession) -> T:
            return job(session, *given, **named)

        if self.dialect == "sqlite":
            return self.submit(told).result()
        if self._closed:
            raise Busy("the database is closed")
        return _retried(lambda: self._write_once(told))

    def submit(self, job: Job[T]) -> "Future[T]":
        """Hand `job` to the SQLite writer; the future is done once the commit that holds it is durable.

        Raises `Busy` when too much is waiting, and once the database is closed.
        """
        future: Future[T] = Future()
        with self._starting:
            if self._closed:
                raise Busy("the database is closed")
            if self._writer is None:
                self._writer = _GroupWriter(self._write_engine)
            # Under the lock: what is put after the writer's last job would wait for ever.
            self._writer.put(_Waiting(job, future))
        return future

    def close(self) -> None:
        """Finish what is waiting, then let go of every connection."""
        with self._starting:
            self._closed = True
        # Not under the lock: whoever comes meanwhile is refused at once rather than kept waiting.
        if self._writer is not None:
            self._writer.stop()
        self._read_engine.dispose()
        self._write_engine.dispose()

    def engine(self) -> Engine:
        """The engine that writes: for the migrations."""
        return self._write_engine

    def _write_once(self, job: Job[T]) -> T:
        with self._write_engine.connect() as session:
            session.begin()
            result = job(WriteSession(session))
            _commit(session)
            return result


class _GroupWriter:
    """The one SQLite writer: what waits together is made durable together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(QUEUE)
        self._thread = threading.Thread(target=self._work, name="sqlite writer", daemon=True)
        self._thread.start()

    def put(self, waiting: _Waiting) -> None:
        try:
            self._waiting.put_nowait(waiting)
        except queue.Full:
            raise Busy(f"{QUEUE} writes are waiting") from None

    def stop(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            group, stopping = [first], False
            while len(group) < GROUP:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stopping = True
                    break
                group.append(following)
            self._answer(group)
            if stopping:
                return

    def _answer(self, group: list[_Waiting]) -> None:
        """Run the group in one commit; if the engine itself fails, each job alone: none fails for another."""
        # From here on a job cannot be called off: its answer must never be "cancelled" once it may be durable.
        group = [one for one in group if one.future.running() or one.future.set_running_or_notify_cancel()]
        if not group:
            return
        if len(group) > 1:
            try:
                outcomes = self._commit_group(group)
            except DBAPIError:
                for waiting in group:
                    self._answer([waiting])
                return
            except BaseException as fault:  # noqa: BLE001 - a caller waits on each future; none may wait for ever
                outcomes = [fault] * len(group)
        else:
            try:
                outcomes = [_retried(lambda: self._commit_alone(group[0].job))]
            except BaseException as fault:  # noqa: BLE001 - as above
                outcomes = [fault]
        for waiting, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                waiting.future.set_exception(outcome)
            else:
                waiting.future.set_result(outcome)

    def _commit_alone(self, job: Job[Any]) -> Any:
        with self._engine.connect() as session:
            session.begin()
            result = job(WriteSession(session))
            _commit(session)
            return result

    def _commit_group(self, group: list[_Waiting]) -> list[Any]:
        outcomes: list[Any] = []
        with self._engine.connect() as session:
            session.begin()
            for waiting in group:
                session.exec_driver_sql("SAVEPOINT job")
                try:
                    outcomes.append(waiting.job(WriteSession(session)))
                except DBAPIError:
                    raise
                except Exception as refusal:  # noqa: BLE001 - given to its caller after the others are durable
                    session.exec_driver_sql("ROLLBACK TO job")
                    outcomes.append(refusal)
                session.exec_driver_sql("RELEASE job")
            _commit(session)
        return outcomes


def _commit(session: Connection) -> None:
    notices = session.connection.info.get("notices") if session.dialect.name == "postgresql" else None
    if notices is not None:
        notices.clear()
    try:
        session.commit()
    except DBAPIError as fault:
        if _sqlstate(fault) in _RETRIED_SQLSTATES:
            raise
        # The connection is closed rather than reused: SQLite has been seen to hold a commit that it reported failed.
        session.invalidate()
        raise OutcomeUnknown(str(fault.orig)) from fault
    if notices:
        session.invalidate()
        raise OutcomeUnknown("the commit did not wait for the standby")


def _retried(act: Callable[[], T]) -> T:
    for tried in range(1, TRIES + 1):
        try:
            return act()
        except DBAPIError as fault:
            if tried == TRIES or not _is_passing(fault):
                raise
        # Jitter, so that two that met do not meet again.
        time.sleep(random.uniform(0, 0.01 * 2**tried))
    raise AssertionError("unreachable")


def _is_passing(fault: DBAPIError) -> bool:
    if isinstance(fault.orig, sqlite.OperationalError):
        return "locked" in str(fault.orig) or "busy" in str(fault.orig)
    return _sqlstate(fault) in _RETRIED_SQLSTATES


def _sqlstate(fault: DBAPIError) -> str | None:
    return fault.orig.sqlstate if isinstance(fault.orig, psycopg.Error) else None


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _sqlite_engine(url: URL, *, query_only: bool) -> Engine:
    if sqlite.sqlite_version_info < _OLDEST_SQLITE:
        raise DatabaseFault(f"SQLite {sqlite.sqlite_version} can lose commits (WAL reset); 3.51.3 or newer is wanted")
    if not url.database or url.database == ":memory:":
        raise DatabaseFault("a database in memory keeps no money; give a file")
    file = Path(url.database)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Its owner's alone, like the journal files that SQLite makes in its likeness.
    file.touch(mode=0o600, exist_ok=True)
    if query_only:
        engine = sa.create_engine(url, module=sqlite, pool_size=8, max_overflow=32, hide_parameters=True)
    else:
        engine = sa.create_engine(
            url, module=sqlite, pool_size=1, max_overflow=0, pool_timeout=120, hide_parameters=True
        )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        wanted = {"busy_timeout": 10_000, "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        wanted |= {"trusted_schema": 0, "secure_delete": 1, "query_only": int(query_only)}
        for pragma, value in wanted.items():
            connection.execute(f"PRAGMA {pragma} = {value}")
            # A refused pragma raises nothing: journal_mode stays 'delete' after a failed sync. So read it back.
            taken = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
            if taken != value:
                raise DatabaseFault(f"SQLite kept {pragma} = {taken} where {value} is wanted")

    begin = "BEGIN" if query_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────
def _postgres_engine(url: URL) -> Engine:
    options = "-c synchronous_commit=on -c lock_timeout=5s -c statement_timeout=120s -c timezone=UTC"
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=20,
        max_overflow=20,
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        # No pool_pre_ping: it would add a round trip to each redemption; a broken connection is retried by its caller.
        connect_args={"options": options, "target_session_attrs": "read-write", "prepare_threshold": 3},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            (taken,) = cursor.fetchone()
        connection.rollback()
        if taken != "on":
            raise DatabaseFault(f"PostgreSQL kept synchronous_commit = {taken}: an answer could be lost in a failover")
        notices: list[str] = []
        record.info["notices"] = notices
        connection.add_notice_handler(
            lambda notice: notices.append(notice.message_primary) if notice.sqlstate == _SYNC_WAIT_CANCELLED else None
        )

    return engine
