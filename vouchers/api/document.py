"""The application as its OpenAPI document tells it: who opens a door with what, and which headers a door demands.

A door reads its headers as if they were optional, so that a missing one meets a refusal of the house; the document
says that they are not.
"""

from typing import Any, Final

from fastapi import FastAPI

_DEMANDED: Final = frozenset(
    {"idempotency-key", "vouchers-till", "vouchers-time", "vouchers-nonce", "vouchers-signature"}
)
_SCHEMES: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A session (`POST /api/v1/sessions`) or an API token (`POST /api/v1/me/tokens`)",
    },
    "till_signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Vouchers-Signature",
        "description": (
            "ECDSA P-256 with SHA-256 by the till's key, 64 bytes r and s in base64url without padding (a weak till:"
            " HMAC-SHA256 by its secret, 32 bytes), over six lines"
            " joined by a line feed: method, path with its query, Vouchers-Time, Vouchers-Nonce, Idempotency-Key or an"
            " empty line, SHA-256 of the body in lower-case hexadecimal"
        ),
    },
}


class Application(FastAPI):
    """FastAPI, with a document that says what the guard demands."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["securitySchemes"] = _SCHEMES
            for doors in document["paths"].values():
                for door in doors.values():
                    _demand(door)
            self.openapi_schema = document
        return self.openapi_schema


def _demand(door: dict[str, Any]) -> None:
    headers = [one for one in door.get("parameters", ()) if one["in"] == "header" and one["name"] in _DEMANDED]
    for header in headers:
        schema = header["schema"]
        schema.pop("default", None)
        for given in schema.pop("anyOf", ()):
            if given["type"] != "null":
                schema.update(given)
        header["required"] = True
    if any(header["name"] == "vouchers-signature" for header in headers):
        door["security"] = [{"till_signature": []}]
    else:
        door["security"] = [] if door["x-act"] == "public" else [{"bearer": []}]
