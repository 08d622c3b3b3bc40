"""The columns of every table: name, kind, decimals at writing, meaning. Columns are only appended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

RESULTS_SCHEMA = 1
"""Number of the tables' format; a reader refuses another one."""

Kind = Literal["text", "int", "float", "flag"]
_TYPES: dict[Kind, pl.DataType] = {
    "text": pl.String(),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "flag": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; the unit is the suffix of its name."""

    name: str
    kind: Kind
    meaning: str
    decimals: int = 6
    """Of a float, at writing."""


def _texts(meaning: str, *names: str) -> list[Column]:
    return [Column(name, "text", meaning) for name in names]


def _floats(decimals: int, *pairs: tuple[str, str]) -> list[Column]:
    return [Column(name, "float", meaning, decimals) for name, meaning in pairs]


LUNAR_DAYS: tuple[Column, ...] = (
    Column("lunar_day", "int", "number of the lunar day, from local midnight to the next"),
    Column("asset", "text", "vehicle"),
    Column("sunrise_utc", "text", "Sun's centre at elevation 0 on the smooth sphere, rising"),
    Column("sunset_utc", "text", "the same, setting"),
    Column("first_light_utc", "text", "first of the Sun's disc over the horizon mask"),
    Column("last_light_utc", "text", "last of the Sun's disc over the horizon mask"),
    Column("lit_h", "float", "time with some of the disc over the mask, in the run", 4),
    Column("wake_utc", "text", "first wake of the lunar day; empty where it was awake all along"),
    Column("sleep_utc", "text", "last end of being awake in the lunar day"),
    Column("awake_h", "float", "time in the modes waking, working, napping and safe", 4),
    *_floats(
        6,
        ("demanded_wh", "energy that loads and heaters asked for"),
        ("generated_wh", "energy that arrays and isotope generators could give"),
        ("used_wh", "energy that loads and heaters received"),
        ("spilled_wh", "energy that nothing could take"),
        ("lost_wh", "energy lost in charging, discharging and self-discharge"),
        ("stored_change_wh", "change of the energy in the battery"),
        ("unmet_wh", "energy that was asked for and not received"),
        ("lowest_state_of_charge", "lowest share of the battery's capacity"),
    ),
    Column("contact_h", "float", "time in which some contact of its first hop is open", 4),
    *_floats(
        9,
        ("capacity_gb", "what its first hop could carry in contact while the mode transmits"),
        ("produced_gb", "data made by its activities"),
        ("delivered_gb", "its data received on Earth in the lunar day"),
        ("delivered_of_this_day_gb", "data made in this lunar day that reached the Earth, ever"),
        ("handed_over_gb", "data that left the vehicle and were not lost on the first hop"),
        ("dropped_gb", "data dropped on board for want of room"),
        ("lost_gb", "data lost on the first hop"),
        ("on_board_gb", "data on board at the end of the lunar day"),
        ("in_relay_gb", "its data in relays at the end of the lunar day"),
    ),
    Column("largest_loss", "text", "largest step of the waterfall of its first hop"),
    Column("limited_by", "text", "the constraint that binds"),
    Column("start_s", "int", "first second of the lunar day in the run"),
    Column("stop_s", "int", "end of the lunar day in the run"),
    Column("sunrise_s", "float", "as sunrise_utc", 3),
    Column("sunset_s", "float", "as sunset_utc", 3),
    Column("first_light_s", "float", "as first_light_utc", 3),
    Column("last_light_s", "float", "as last_light_utc", 3),
    Column("wake_s", "int", "as wake_utc"),
    Column("sleep_s", "int", "as sleep_utc"),
    Column("wake_cause", "text", "what the condition of the wake looked at"),
    Column("sleep_cause", "text", "what the condition of the sleep looked at"),
    *_floats(
        6,
        ("state_of_charge_at_sunset", "at sunset"),
        ("state_of_charge_at_wake", "at the first wake of the lunar day"),
        ("night_margin_wh", "least energy in the night after sunset, over the cut-off"),
        ("night_margin_h", "how much longer the battery would have carried the load of then"),
    ),
    Column("ceiling_gb", "float", "best rate all through the lunar day", 9),
    Column("transmit_h", "float", "time in contact in which the mode transmits", 4),
    Column("link_used_h", "float", "time in which the first hop was used", 4),
    Column("peak_recorder_fill", "float", "highest share of the recorder in use", 6),
    Column(
        "backlog_days", "float", "data on board at the end over what went down per Earth day", 4
    ),
    Column("wh_per_gb", "float", "energy used per delivered volume", 4),
    Column("late_gb", "float", "part of delivered_gb that came after its deadline", 9),
)

PASSES: tuple[Column, ...] = (
    Column("aos_s", "int", "start of the contact, whole seconds"),
    Column("los_s", "int", "end of the contact"),
    *_texts("as aos_s, los_s", "aos_utc", "los_utc"),
    Column("link", "text", "link"),
    Column("source", "text", "asset that sends"),
    Column("destination", "text", "asset that receives"),
    Column("lunar_day", "int", "of the place of the source, or of the first vehicle, at the start"),
    Column("duration_h", "float", "length of the contact", 4),
    Column("culmination_s", "float", "highest elevation over the local horizon, else nearest", 3),
    Column("culmination_utc", "text", "as culmination_s"),
    Column("culmination_deg", "float", "elevation at culmination; empty without a horizon", 4),
    Column("range_aos_km", "float", "distance at the start", 3),
    Column("range_culmination_km", "float", "distance at culmination", 3),
    Column("range_los_km", "float", "distance at the end", 3),
    Column("lowest_rate_bps", "int", "lowest rate that closes in it"),
    Column("highest_rate_bps", "int", "highest rate that closes in it"),
    Column("rate_steps", "int", "changes of rate in it"),
    Column("capacity_gb", "float", "what it could carry, used alone", 9),
    Column("moved_gb", "float", "user data that it carried", 9),
    Column("used_h", "float", "time in which it was used", 4),
    Column("limited_by", "text", "largest step from its capacity at the best rate to its use"),
    Column("local_solar_time_h", "float", "at the start, 12 at local noon", 3),
    Column("sun_elevation_deg", "float", "at the start, at the same place", 4),
)

WINDOW_KINDS = ("light", "view", "contact", "eclipse", "conjunction")
"""The first three in every run, the others by `farside windows`."""

WINDOWS: tuple[Column, ...] = (
    Column("kind", "text", "light, view or contact; with `farside windows` eclipse, conjunction"),
    Column("observer", "text", "place or asset that looks"),
    Column("target", "text", "what it sees"),
    Column("start_s", "float", "start of the window", 3),
    Column("stop_s", "float", "end of the window", 3),
    *_texts("as start_s, stop_s, culmination_s", "start_utc", "stop_utc", "culmination_utc"),
    Column("culmination_s", "float", "highest elevation, else nearest", 3),
    *_floats(
        4,
        ("start_azimuth_deg", "of the target from the observer"),
        ("start_elevation_deg", "of the target over the observer's horizon"),
        ("culmination_azimuth_deg", "of the target from the observer"),
        ("culmination_elevation_deg", "of the target over the observer's horizon"),
        ("stop_azimuth_deg", "of the target from the observer"),
        ("stop_elevation_deg", "of the target over the observer's horizon"),
    ),
    *_floats(
        3,
        ("start_range_km", "distance at the start"),
        ("culmination_range_km", "distance at culmination"),
        ("stop_range_km", "distance at the end"),
    ),
    Column("link", "text", "link that the window belongs to"),
    Column("sun_angle_deg", "float", "least angle of the Sun from the target, in a conjunction", 4),
)

EVENTS: tuple[Column, ...] = (
    Column("t_s", "int", "whole seconds since the start"),
    Column("utc", "text", "as t_s"),
    Column("asset", "text", "who changes"),
    Column("event", "text", "mode, activity, link, recorder, contact, battery, heat or shed"),
    Column("subject", "text", "which one of the asset"),
    Column("before", "text", "what it was"),
    Column("after", "text", "what it is"),
    Column("cause", "text", "what brought it about"),
)

SERIES: tuple[Column, ...] = (
    Column("t_s", "int", "whole seconds since the start"),
    Column("asset", "text", "vehicle or relay"),
    Column("quantity", "text", "name with its unit"),
    Column("subject", "text", "link, hop or thermal node where there are several"),
    Column("value", "float", "the quantity", 6),
)

WATERFALL: tuple[Column, ...] = (
    Column("lunar_day", "int", "lunar day of the vehicle"),
    Column("asset", "text", "vehicle"),
    Column("hop", "int", "1 from the vehicle, 2 from where that leads, and so on"),
    Column("link", "text", "link"),
    Column("position", "int", "place in the list of causes; the ideal is 0"),
    Column("step", "text", "ideal, a cause, or what was carried"),
    Column("bits", "int", "whole bits; causes are negative"),
    Column("time_s", "int", "whole seconds that the step took in full; 0 for shares of a rate"),
)

TABLES = {
    "lunar_days": LUNAR_DAYS,
    "passes": PASSES,
    "windows": WINDOWS,
    "events": EVENTS,
    "series": SERIES,
    "waterfall": WATERFALL,
}


def table(columns: Sequence[Column], data: Any) -> pl.DataFrame:
    """A table of a schema from columns by name or rows; columns that are None or left out are empty."""
    types = {column.name: _TYPES[column.kind] for column in columns}
    if isinstance(data, dict):
        height = len(next(iter(data.values()))) if data else 0
        nothing = [None] * height
        full = {name: nothing if data.get(name) is None else data[name] for name in types}
        return pl.DataFrame(full, schema=types, strict=False)
    return pl.DataFrame(data, schema=types, orient="row", strict=False)


def rounded(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The table with each float at the decimals of its schema, and no negative zero."""
    return frame.with_columns(
        (pl.col(column.name).round(column.decimals) + 0.0)
        for column in columns
        if column.kind == "float"
    )


def markdown(columns: Sequence[Column]) -> str:
    """The schema as a table for the docs."""
    rows = [f"| `{c.name}` | {c.kind} | {c.meaning} |" for c in columns]
    return "\n".join(["| column | kind | meaning |", "|---|---|---|", *rows])
