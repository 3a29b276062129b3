"""The outline of a town, as the national registers give it (GeoJSON, RFC 7946), for the map of its shops."""

import json
from collections.abc import Iterator
from typing import Any, Final

from vouchers.errors import BadInput

MOST_BYTES: Final = 2_000_000
MOST_POINTS: Final = 10_000
_DECIMALS: Final = 5
"""About a metre."""


def read(content: bytes, *, field: str = "outline") -> str:
    """All polygons of the file as one MultiPolygon geometry, in degrees, to the metre. Refuses `BadInput`."""
    if len(content) > MOST_BYTES:
        raise BadInput(field=field, problem="outline_too_fine")
    try:
        polygons = [_polygon(one) for one in _polygons(json.loads(content))]
    except (ValueError, TypeError, KeyError, RecursionError) as broken:
        raise BadInput(field=field, problem="not_an_outline") from broken
    if not polygons:
        raise BadInput(field=field, problem="not_an_outline")
    if sum(len(ring) for polygon in polygons for ring in polygon) > MOST_POINTS:
        raise BadInput(field=field, problem="outline_too_fine")
    return json.dumps({"type": "MultiPolygon", "coordinates": polygons}, separators=(",", ":"))


def _polygons(shape: Any) -> Iterator[Any]:
    kind = shape["type"]
    if kind == "FeatureCollection":
        for feature in shape["features"]:
            yield from _polygons(feature)
    elif kind == "Feature":
        yield from _polygons(shape["geometry"])
    elif kind == "GeometryCollection":
        for geometry in shape["geometries"]:
            yield from _polygons(geometry)
    elif kind == "Polygon":
        yield shape["coordinates"]
    elif kind == "MultiPolygon":
        yield from shape["coordinates"]


def _polygon(rings: Any) -> list[list[list[float]]]:
    made = [[_point(point) for point in ring] for ring in rings]
    if not made or any(len(ring) < 4 or ring[0] != ring[-1] for ring in made):
        raise ValueError("a ring is not closed")
    return made


def _point(given: Any) -> list[float]:
    east, north = given[:2]
    if isinstance(east, bool) or isinstance(north, bool) or not (-180 <= east <= 180 and -90 <= north <= 90):
        raise ValueError("not a place on earth")
    return [round(east, _DECIMALS), round(north, _DECIMALS)]
