"""What stands in the bodies and paths of the doors: strict, bounded, one line each.

A whole number is a JSON integer (no float, no true, no text), a day is 'YYYY-MM-DD', money is whole cents, an unknown
field is refused. What a name, an IBAN or a SIRET must be, the verbs say.
"""

import base64
import binascii
import re
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema
from pydantic_core import PydanticCustomError

from vouchers.money import MAX_CENTS

MAX_ID: Final = 2**63 - 1
MOST_LISTED: Final = 200
_YEARS: Final = range(2000, 2200)
"""At the ends of the calendar the next day does not exist, nor the hour in Paris."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z")
_LINE: Final = r"^[^\x00-\x1f\x7f]+$"
LINE_OR_NONE: Final = r"^[^\x00-\x1f\x7f]*$"
_LINES: Final = r"^[^\x00-\x09\x0b-\x1f\x7f]+$"


class Body(BaseModel):
    """The body of a request; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _day(given: object) -> object:
    if isinstance(given, str) and _DAY.fullmatch(given):
        # A 31 June is no day.
        with suppress(ValueError):
            day = date.fromisoformat(given)
            if day.year in _YEARS:
                return day
    raise PydanticCustomError("day", "a day YYYY-MM-DD is wanted")


def _instant(given: object) -> object:
    if isinstance(given, str) and _INSTANT.fullmatch(given):
        with suppress(ValueError):
            at = datetime.fromisoformat(given)
            if at.year in _YEARS:
                return at
    raise PydanticCustomError("instant", "an instant YYYY-MM-DDTHH:MM:SSZ is wanted")


Day = Annotated[
    date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-31"]})
]
"""A day in Paris."""
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-06-30T22:00:00Z"]}),
]
"""An instant in UTC."""
Cents = Annotated[StrictInt, Field(ge=1, le=MAX_CENTS, description="Whole cents", examples=[1000])]
CentsOrNone = Annotated[StrictInt, Field(ge=0, le=MAX_CENTS, description="Whole cents, or 0", examples=[0])]
BasisPoints = Annotated[StrictInt, Field(ge=0, le=10_000, description="Hundredths of a percent", examples=[500])]
Number = Annotated[StrictInt, Field(ge=1, le=MAX_ID, description="An id or a number of the house", examples=[1])]
Quantity = Annotated[StrictInt, Field(ge=1, le=200_000, examples=[100])]
Line = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=_LINE)]
Lines = Annotated[
    StrictStr, Field(min_length=1, max_length=800, pattern=_LINES, examples=["1 place de la Mairie\n64000 Pau"])
]
Reason = Annotated[StrictStr, Field(min_length=1, max_length=120, pattern=_LINE, examples=["Demande écrite du 3 mars"])]
Password = Annotated[StrictStr, Field(min_length=1, max_length=200, examples=["douze lettres au moins"])]
Base64 = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]
Code = Annotated[
    StrictStr,
    Field(max_length=100, description="The 26 characters of the QR code", examples=["ABCDEFGHIJKLMNOPQRSTUVWXYA"]),
]

NumberInPath = Annotated[int, Path(ge=1, le=MAX_ID)]
After = Annotated[int, Query(ge=0, le=MAX_ID, description="The last number already seen; 0 to begin")]
Before = Annotated[int | None, Query(ge=1, le=MAX_ID, description="The last number already seen")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="How many at most")]


def unpacked(text: str) -> bytes:
    """The bytes of base64url without padding; none where it is not."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


class Why(Body):
    """The reason of an act, for the journal."""

    reason: Reason


class Empty(Body):
    """Nothing to say; `{}`."""


def serials(most: int) -> Any:
    """A list of serials, `most` at most."""
    return Field(min_length=1, max_length=most, examples=[[12, 13]])
