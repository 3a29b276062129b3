"""The door of the tills: every request signed by the phone, every redemption and reversal under the phone's own key.

The hot path of the house. One read proves the till, one durable write claims the key, redeems and keeps the answer.
"""

from datetime import datetime
from typing import Annotated, Any, Final, TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from vouchers import attempts, clock, codes, redeem, reverse
from vouchers.access import Act
from vouchers.api import problems
from vouchers.api.fields import Before, Body, Cents, Code, Limit, NumberInPath, Reason
from vouchers.api.guard import Counter, does, language_of
from vouchers.api.shapes import page
from vouchers.attempts import Guess, Scope
from vouchers.errors import TooManyAttempts, VoucherRefusal, VoucherUnknown
from vouchers.fields_of_day import today
from vouchers.tills import PairedTill

router: Final = APIRouter(prefix="/till", tags=["Till"])
