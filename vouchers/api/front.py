"""Beside the doors of the API: what a problem's type means, the health of the house, the list of the doors."""

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from vouchers.api import problems
from vouchers.api.guard import AtHouse, does
from vouchers.schema import is_current

router: Final = APIRouter(tags=["House"])
documents: Final = APIRouter(include_in_schema=False)
_STYLE: Final = Path(__file__).with_name("front.css")
_HEAD: Final = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
    '<title>{title}</title><link rel="stylesheet" href="/front.css"></head><body><main>'
)


@router.get("/front.css", include_in_schema=False, **does("public", media="text/css"))
async def style() -> Response:
    """How the list of the doors looks."""
    return FileResponse(_STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})


@router.get("/till", include_in_schema=False, **does("public", media="text/html"))
@router.get("/TILL", include_in_schema=False, **does("public", media="text/html"))
@router.get("/TILL/", include_in_schema=False, **does("public", media="text/html"))
async def till_in_capitals() -> Response:
    """A pairing QR is in capitals, which are smaller to print; browsers keep what stands behind `#`."""
    return RedirectResponse("/till/", status_code=308)


@dataclass(frozen=True, slots=True)
class Explained:
    """A problem, and its sentences before they are filled in."""

    reason: str
    title: str
    status: int
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Health:
    """A house that can work."""

    status: str
    build: str
    engine: str


@router.get("/problems/{reason}", **does("public", gives=Explained, refuses=(404,)))
async def problem(reason: str) -> Response:
    """What a problem means: its status, and its sentences before they are filled in."""
    explained = problems.explained(reason)
    if explained is None:
        raise HTTPException(404)
    return JSONResponse(explained)


@router.get("/api/health", **does("public", gives=Health))
async def health(request: Request, house: AtHouse) -> Response:
    """Whether the house can work. It reads the database, whose connections are refused unless commits are durable."""
    try:
        ready = await run_in_threadpool(is_current, house.database)
    except Exception:  # noqa: BLE001 - whatever it is, the house is not ready
        ready = False
    if not ready:
        return problems.fault("not_ready", problems.language_of(request))
    return JSONResponse({"status": "ok", "build": house.build, "engine": house.database.dialect})


@documents.get("/api/docs", **does("public", media="text/html"))
async def doors(request: Request) -> Response:
    """The doors as a plain page; the whole document is `/api/openapi.json`."""
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(str(door.get('x-act', '')))}</td><td>{escape(_first_line(door))}</td></tr>"
        for path, doors in request.app.openapi()["paths"].items()
        for method, door in doors.items()
    )
    head = _HEAD.format(language="en", title="Doors")
    table = (
        f"<table><thead><tr><th>Method</th><th>Path</th><th>Act</th><th>What it does</th></tr></thead>{rows}</table>"
    )
    said = f'{head}<h1>Doors</h1><p><a href="/api/openapi.json">OpenAPI</a></p>{table}</main></body></html>'
    return HTMLResponse(said)


def _first_line(door: dict[str, Any]) -> str:
    return str(door.get("description", "")).partition("\n")[0]
