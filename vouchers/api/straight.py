"""The way of a redemption that is well-formed: from the frame straight to its door, past the framework's routing.

What a till sends when a customer waits is always the same request. For it, finding the route, solving dependencies and
validating each header apart cost more than the redemption. Whatever is unusual in the request (another content type, a
body that does not validate, a header that does not fit) takes the ordinary way, which says what is wrong with it; so
there is one door, one document and one wording of each refusal.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vouchers.access import Act
from vouchers.api import guard

Door = Callable[[Any, Request, guard.AtCounter], Awaitable[Response]]


class Straight:
    """The application with a short cut for `POST path`: `door` does `act` with a body of this shape.

    `refused`: how each exception of the door is answered.
    """

    def __init__(
        self, app: ASGIApp, *, path: str, act: Act, shape: type[BaseModel], door: Door, refused: Mapping[Any, Any]
    ) -> None:
        self._app = app
        self._path = path
        self._act = act
        self._shape = shape
        self._door = door
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        given = {name: request.headers.get(name, "") for name in guard.SIGNED_HEADERS}
        try:
            content = await request.body()
            body = self._well_formed(request, given, content)
            if body is None:
                await self._app(scope, _again(content), send)
                return
            counter = guard.keyed(await guard.counter_of(request, guard.house_of(request), self._act, given))
            response = await self._door(body, request, counter)
        except ClientDisconnect:
            return
        except Exception as raised:
            answer = next((self._refused[kind] for kind in type(raised).__mro__ if kind in self._refused), None)
            if answer is None:
                raise
            response = await answer(request, raised)
        await response(scope, receive, send)

    def _well_formed(self, request: Request, given: Mapping[str, str], content: bytes) -> BaseModel | None:
        if request.headers.get("content-type") != "application/json":
            return None
        most = guard.SIGNED_HEADERS
        if len(request.headers.get("idempotency-key", "")) > 64 or any(len(given[name]) > most[name] for name in most):
            return None
        try:
            return self._shape.model_validate_json(content)
        except ValidationError:
            return None


def _again(content: bytes) -> Receive:
    """The body, to be received once more."""

    async def received() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    return received
