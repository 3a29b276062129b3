"""A bank that answers on this machine alone: mock-bank, in the test's own process, its clock where the test sets it."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from mockbank.server import Config, make_server

OUR_IBAN: Final = "FR7630006000011234567890189"
OUR_ACCOUNT: Final = "CCI"


class Bank:
    """What a client of the bank can do, and what moves the bank itself. Amounts are cents, as it has them too."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def pay(self, pain_001: bytes) -> dict[str, Any]:
        """Hands in a payment file."""
        return dict(self._ask("POST", "/payments", pain_001))

    def behave(self, **fields: Any) -> None:
        """Changes our account: `behaviour="return-later", parameters={"days": 2, "reason": "AC04"}`."""
        changed = self._ask("PATCH", f"/_mock/accounts/{OUR_ACCOUNT}", fields)
        assert "error" not in changed, changed

    def open_account(self, identifier: str, **fields: Any) -> None:
        """Opens another account in this bank, of a payee say."""
        opened = self._ask("POST", "/_mock/accounts", {"id": identifier, **fields})
        assert "error" not in opened, opened

    def receive(self, cents: int, **fields: Any) -> None:
        """Lets a transfer arrive: `debtor={"name": …}`, `reference` (structured), `note`, `wrap` (35 or 70)."""
        arrived = self._ask("POST", "/_mock/credits", {"account": OUR_ACCOUNT, "amount": cents, **fields})
        assert "error" not in arrived, arrived

    def advance(self, *, days: int) -> None:
        """Lets calendar days go by; each business day ends with a statement."""
        moved = self._ask("POST", f"/_mock/advance?days={days}")
        assert "error" not in moved, moved

    def sent(self, kind: str) -> list[bytes]:
        """Our own messages of a kind ('camt.053', 'camt.054', 'pain.002') that were not collected yet, oldest first."""
        waiting = self._ask("GET", f"/_mock/mailbox?type={kind}")
        return [self._raw(f"/_mock/mailbox/{row['id']}") for row in waiting if row["account"] in {OUR_ACCOUNT, None}]

    def _ask(self, method: str, path: str, body: bytes | dict[str, Any] | None = None) -> Any:
        as_json = isinstance(body, dict)
        content = json.dumps(body).encode() if as_json else body
        headers = {"Content-Type": "application/json" if as_json else "application/xml", "Accept": "application/json"}
        request = urllib.request.Request(self._base + path, data=content, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return json.load(refused)

    def _raw(self, path: str) -> bytes:
        with urllib.request.urlopen(self._base + path, timeout=20) as answer:
            return bytes(answer.read())


@contextmanager
def a_bank(*, at: str = "2026-11-23T09:00", balance_cents: int = 100_000_000) -> Iterator[Bank]:
    """A bank that holds our account, open until the end of the block. `at`: its own time, in Paris."""
    server = make_server(Config(port=0, quiet=True, clock=at, timezone="Europe/Paris"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        bank = Bank(server.server_address[1])
        bank.open_account(OUR_ACCOUNT, name="CCI Seine Estuaire", iban=OUR_IBAN, balance=balance_cents)
        yield bank
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
