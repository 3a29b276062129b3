"""The application: every door of the house behind one frame.

    app = create_app(Settings())          # uvicorn vouchers.api.app:create_app --factory

It opens its database when it starts and refuses to start on another schema than its own (`vouchers migrate`).
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from mimetypes import guess_type
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.staticfiles import NotModifiedResponse, PathLike
from starlette.types import Scope

import vouchers
from vouchers.access import Act
from vouchers.api import (
    bank,
    batches,
    cashiers,
    disputes,
    documents,
    front,
    orders,
    people,
    problems,
    programmes,
    public,
    reports,
    settlements,
    signing_in,
    staff,
    till_door,
    till_offline,
    tills,
)
from vouchers.api import vouchers as voucher_doors
from vouchers.api.document import Application
from vouchers.api.frame import Frame
from vouchers.api.guard import House, NotKept, Replayed, language_of
from vouchers.api.straight import Straight
from vouchers.config import Setting, Settings, SettingsFault
from vouchers.db import Busy, Database, OutcomeUnknown
from vouchers.errors import Refusal
from vouchers.pages import desk as page_desk
from vouchers.pages import doors as page_doors
from vouchers.pages import look
from vouchers.schema import is_current
from vouchers.tills import NonceMemory

API: Final = "/api/v1"
DESK_FILES: Final = look.DESK_FILES
TILL_FILES: Final = Path(vouchers.__file__).parent / "static" / "till"
_KEPT_FOREVER: Final = "public, max-age=31536000, immutable"
_COMPRESSED: Final = {"br": ".br", "gzip": ".gz"}
"""What the build leaves beside each of the till's files, smallest first."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application for these settings (by default, those of the environment)."""
    chosen = settings if settings is not None else Settings()
    build = build_id()

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        pepper, session_key = chosen.secret_bytes()
        database = Database(chosen.database_url)
        try:
            if not is_current(database):
                raise SettingsFault("the database is not at the schema of this version: vouchers migrate")
            lasts = timedelta(hours=chosen.session_hours)
            app.state.house = House(database, pepper, session_key, lasts, NonceMemory(), build)
            app.state.settings = chosen
            yield
        finally:
            database.close()

    app = Application(
        title="vouchers",
        version=vouchers.__version__,
        summary="Local gift vouchers: order, issue, redeem, settle and report.",
        lifespan=opened,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json" if chosen.offered_docs else None,
        redirect_slashes=False,
    )
    v1 = APIRouter(prefix=API)
    for noun in _NOUNS:
        v1.include_router(noun)
    app.include_router(v1)
    app.include_router(front.router)
    for room in page_doors.ROOMS:
        app.include_router(room, include_in_schema=False)
    if chosen.offered_docs:
        app.include_router(front.documents)
    app.mount("/till", TillFiles(TILL_FILES), name="till")
    app.mount("/desk", TillFiles(DESK_FILES), name="desk")
    _refuse_in_one_shape(app)
    app.add_middleware(
        Straight,
        path=f"{API}/till/redemptions",
        act=Act.REDEMPTION_MAKE,
        shape=till_door.Basket,
        door=till_door.make_redemption,
        refused=app.exception_handlers,
    )
    secure = chosen.environment is Setting.PRODUCTION
    app.add_middleware(Frame, build=build, secure=secure, tiles=chosen.tiles_origin(), fault=fault)
    return app


_NOUNS: Final = (
    till_door.router,  # first: routes are tried in their order, and this is the hot one
    till_offline.router,
    signing_in.router,
    programmes.router,
    people.router,
    staff.router,
    tills.router,
    cashiers.router,
    orders.router,
    documents.router,
    batches.router,
    voucher_doors.router,
    settlements.router,
    bank.router,
    disputes.router,
    reports.router,
    public.router,
)


def build_id() -> str:
    """Changes with the version, and with the till that is served beside it."""
    digest = hashlib.sha256(vouchers.__version__.encode())
    worker = TILL_FILES / "service-worker.js"
    if worker.is_file():
        digest.update(worker.read_bytes())
    return f"{vouchers.__version__}-{digest.hexdigest()[:12]}"


class TillFiles(StaticFiles):
    """The till's files: those with a hash in their name are kept for ever, the others asked for each time.

    Each lies there in its compressed forms too, made once by the build.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._tags: dict[tuple[str, int, int], str] = {}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        if path.endswith(tuple(_COMPRESSED.values())):
            raise HTTPException(404)  # a form of a file, not a file
        answer = await super().get_response(path, scope)
        name = Path(path).name
        stem, _, ending = name.rpartition(".")
        hashed = "-" in stem and ending in {"js", "css", "wasm", "png"} and stem.rpartition("-")[2].isalnum()
        is_worker = name == "service-worker.js"
        answer.headers["Cache-Control"] = _KEPT_FOREVER if hashed and not is_worker else "no-cache"
        return answer

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The smallest form that this browser takes; each form has a tag of its own."""
        asked = Headers(scope=scope)
        forms = {encoding: Path(f"{full_path}{ending}") for encoding, ending in _COMPRESSED.items()}
        there = {encoding: form for encoding, form in forms.items() if form.is_file()}
        taken = _encodings_taken(asked.get("accept-encoding", ""))
        encoding = next((encoding for encoding in there if encoding in taken), None)
        shown = there[encoding] if encoding else Path(full_path)
        stat = shown.stat() if encoding else stat_result
        headers = {"ETag": self._tag_of(shown, stat)}
        if encoding:
            headers["Content-Encoding"] = encoding
        if there:
            headers["Vary"] = "Accept-Encoding"
        answer = FileResponse(shown, status_code, headers, guess_type(full_path)[0], stat_result=stat)
        # Never by date: a release put back is older than the page that the browser keeps.
        kept = "if-none-match" in asked and self.is_not_modified(answer.headers, asked)
        return NotModifiedResponse(answer.headers) if kept else answer

    def _tag_of(self, file: Path, stat: os.stat_result) -> str:
        """Of the content: two releases have pages of one size, and some packages give all their files one date."""
        known = (str(file), stat.st_mtime_ns, stat.st_size)
        if known not in self._tags:
            self._tags[known] = f'"{hashlib.sha256(file.read_bytes()).hexdigest()[:32]}"'
        return self._tags[known]


def _encodings_taken(accepted: str) -> set[str]:
    """Of an Accept-Encoding: those that are not refused by a weight of zero."""
    offers = (offer.replace(" ", "").lower().partition(";q=") for offer in accepted.split(","))
    return {encoding for encoding, _, weight in offers if weight.strip("0.") or not weight}


def fault(request: Request, reason: str) -> Response:
    """The walls failed: told as a problem, or as a page where a browser stands there."""
    if page_desk.is_page(request):
        return page_desk.fault_page(request, reason, status=problems.FAULTS[reason].status)
    return problems.fault(reason, language_of(request))


def _refuse_in_one_shape(app: FastAPI) -> None:
    """Every no of every door becomes a problem, or a page where a browser stands there."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        if page_desk.is_page(request):
            return page_desk.refusal_page(request, refusal, status=problems.STATUS[refusal.reason])
        return problems.answer(refusal, language_of(request))

    @app.exception_handler(Replayed)
    async def repeated(request: Request, replayed: Replayed) -> Response:
        return problems.answer(replayed.refusal, language_of(request), headers={"Idempotency-Hit": "true"})

    @app.exception_handler(NotKept)
    async def not_kept(request: Request, held: NotKept) -> Response:
        return problems.answer(held.refusal, language_of(request))

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, raised: RequestValidationError) -> Response:
        if page_desk.is_page(request):
            return fault(request, "path_unknown")
        return problems.of_validation(raised, language_of(request))

    @app.exception_handler(HTTPException)
    async def refused_by_frame(request: Request, raised: HTTPException) -> Response:
        if page_desk.is_page(request):
            if raised.status_code == 405 and request.method == "GET":
                # A form was refused there, and somebody typed the address again, or changed the language.
                return RedirectResponse(page_doors.page_above(request.url.path), status_code=303)
            return fault(request, problems.fault_of(raised.status_code))
        return problems.of_http(raised, language_of(request))

    @app.exception_handler(OutcomeUnknown)
    async def unknown(request: Request, _raised: OutcomeUnknown) -> Response:
        return fault(request, "outcome_unknown")

    @app.exception_handler(Busy)
    async def busy(request: Request, _raised: Busy) -> Response:
        return fault(request, "busy")
