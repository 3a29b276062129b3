"""Around every answer: the headers that all carry, a cap on what comes in, and the last catch for what nobody caught.

Plain ASGI and outermost, so that no answer leaves without passing here, a 500 included.
"""

import logging
from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vouchers.api import problems

BODY_BYTES: Final = 64 * 1024
"""Largest body: a basket of 20 vouchers is 2 kB, a block list of 1 000 serials 12 kB."""
UPLOAD_BYTES: Final = 6 * 1024 * 1024
"""Largest form with a file, at a page: a list of 20 000 people is 2 MB, a photo of a shop 4 MB."""
HEADER_BYTES: Final = 32 * 1024
"""Largest headers, names and values: those of a till and its browser are 2 kB."""

_TILL_CSP: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self';"
    " img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; manifest-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
_PAGE_CSP: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self';"
    " img-src 'self' data: blob:{tiles}; media-src 'self' blob:; base-uri 'none'; form-action 'self';"
    " frame-ancestors {framed}"
)
FRAMED: Final = "/jauge/"
"""The one page that other sites may show inside theirs."""
SHOPS: Final = "/commerces/"
"""The pages with a map: where a server of tiles is set, its pictures may be shown there and nowhere else."""
BANK_FILES: Final = "/bank-statements"
"""Where the API takes a bank's file, which may be as large as one that is sent to a page."""
PILE: Final = "/remises/"
"""Where paper that came by post is scanned: the one page, beside the till, that may ask for the camera."""
_DATA_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
_log = logging.getLogger("vouchers.api")


class Frame:
    """The application inside its frame. `secure`: also demand HTTPS for two years (in production).

    `tiles`: the origin that maps take their ground from, empty for none.
    `fault`: the answer to who stands there (a program, a browser) when the walls fail.
    """

    def __init__(
        self, app: ASGIApp, *, build: str, secure: bool, tiles: str, fault: Callable[[Request, str], Response]
    ) -> None:
        self._app = app
        self._tiles = f" {tiles}" if tiles else ""
        self._fault = fault
        self._build = build
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is not HTTP."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        begun = False

        async def framed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._dress(scope["path"], MutableHeaders(scope=message))
            await send(message)

        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADER_BYTES:
            too_much = problems.fault("headers_too_large", "fr", headers={"Connection": "close"})
            await too_much(scope, receive, framed)
            return
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:18]) > _most(scope):
            too_large = self._fault(request, "body_too_large")
            too_large.headers["Connection"] = "close"
            await too_large(scope, receive, framed)
            return
        try:
            await self._app(scope, _capped(receive, _most(scope)), framed)
        except ClientDisconnect:
            # Whoever gave up hears no answer; what was written stands, and its key gives it again.
            return
        except Exception:
            # The path without its query: a code or a name must not reach the log.
            _log.exception("%s %s failed", scope["method"], scope["path"])
            if begun:
                raise
            await self._fault(request, "failed")(scope, receive, framed)

    def _dress(self, path: str, headers: MutableHeaders) -> None:
        is_till = path.startswith("/till/")
        is_page = headers.get("content-type", "").startswith("text/html") and not is_till
        headers["X-Content-Type-Options"] = "nosniff"
        is_framed = path.startswith(FRAMED)
        # Its own pages are told where one comes from, to lead back after a sign-in; nobody else is.
        headers["Referrer-Policy"] = "same-origin" if is_page else "no-referrer"
        if not is_framed:
            headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Vouchers-Build"] = self._build
        tiles = self._tiles if path.startswith(SHOPS) else ""
        page_csp = _PAGE_CSP.format(framed="*" if is_framed else "'none'", tiles=tiles)
        # A worker lives by the policy of its own file.
        as_page = is_page or path.startswith("/desk/")
        headers["Content-Security-Policy"] = _TILL_CSP if is_till else page_csp if as_page else _DATA_CSP
        camera = "(self)" if is_till or (is_page and PILE in path) else "()"
        headers["Permissions-Policy"] = f"camera={camera}, microphone=(), geolocation=(), payment=()"
        if "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"
        if self._secure:
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"


def _most(scope: Scope) -> int:
    """How many bytes this body may have: a form with a file is a page's, never the API's, save what a bank sent."""
    if scope["path"].startswith("/api/") and scope["path"].endswith(BANK_FILES):
        return UPLOAD_BYTES
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    with_file = bool(kinds) and kinds[0].startswith(b"multipart/form-data")
    return UPLOAD_BYTES if with_file and not scope["path"].startswith("/api/") else BODY_BYTES


def _capped(receive: Receive, most: int) -> Receive:
    """A body that says no length is counted as it comes."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413)
        return message

    return counted
