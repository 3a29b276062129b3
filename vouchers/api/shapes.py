"""What leaves in JSON: the frozen values of the verbs, as they are. Instants are RFC 3339 in UTC, days ISO, money cents."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Generic, TypedDict, TypeVar

from vouchers import clock

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """A part of a list. `next` is what to ask for as `after` (or `before`); null at the end."""

    items: list[T]
    next: int | None


class Made(TypedDict):
    """The number of what was made."""

    id: int


def shown(value: Any) -> Any:
    """A value of a verb as JSON carries it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: shown(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: shown(field) for name, field in value._asdict().items()}
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): shown(field) for name, field in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(each) for each in value]
    return value


def page(found: Sequence[Any], *, limit: int | None = None, number: Callable[[Any], int] | None = None) -> Any:
    """A part of a list, and where the next one begins: nowhere for a whole list, which has no `limit`."""
    more = number is not None and len(found) == limit and bool(found)
    return {"items": shown(found), "next": number(found[-1]) if more and number is not None else None}
