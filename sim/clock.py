"""One clock: whole SI seconds since the start of a scenario, with UTC as a label.

The leap seconds are this module's own table (IERS Bulletin C), so that times can be read and
written without loading an ephemeris; a test holds it against Skyfield's.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from sim.errors import SimError

_UTC_PATTERN = re.compile(r"^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?Z$")
_J2000_DAY = date(2000, 1, 1).toordinal()
_J2000_DATE = np.datetime64("2000-01-01T00:00:00")
_NOON_S = 43200
TT_MINUS_TAI_S = 32.184
"""Terrestrial Time minus International Atomic Time; IAU 1991 resolution A4."""

# First day on which TAI - UTC has the value; 10 s since 1972-01-01 and one more at each entry.
_LEAP_DATES = [
    "1972-01-01",
    "1972-07-01",
    "1973-01-01",
    "1974-01-01",
    "1975-01-01",
    "1976-01-01",
    "1977-01-01",
    "1978-01-01",
    "1979-01-01",
    "1980-01-01",
    "1981-07-01",
    "1982-07-01",
    "1983-07-01",
    "1985-07-01",
    "1988-01-01",
    "1990-01-01",
    "1991-01-01",
    "1992-07-01",
    "1993-07-01",
    "1994-07-01",
    "1996-01-01",
    "1997-07-01",
    "1999-01-01",
    "2006-01-01",
    "2009-01-01",
    "2012-07-01",
    "2015-07-01",
    "2017-01-01",
]
_LEAP_DAYS = tuple(date.fromisoformat(text).toordinal() - _J2000_DAY for text in _LEAP_DATES)
_TAI_MINUS_UTC_S = tuple(range(10, 10 + len(_LEAP_DAYS)))
_LEAP_TAI_S = tuple(
    day * 86400 - _NOON_S + offset for day, offset in zip(_LEAP_DAYS, _TAI_MINUS_UTC_S, strict=True)
)


def tai_seconds(utc: str) -> int:
    """Whole TAI seconds since 2000-01-01T12:00:00 TAI of a UTC label `YYYY-MM-DDTHH:MM[:SS]Z`.

    `:60` is taken where a leap second was inserted. Raises `SimError` for any other text.
    """
    match = _UTC_PATTERN.match(utc)
    if match is None:
        raise SimError(
            f"'{utc}' is not a time; write YYYY-MM-DDTHH:MM[:SS]Z, with the Z that says UTC"
        )
    year, month, day, hour, minute = (int(group) for group in match.groups()[:5])
    second = int(match.group(6) or 0)
    try:
        day_number = date(year, month, day).toordinal() - _J2000_DAY
    except ValueError as error:
        raise SimError(f"'{utc}' is not a date of the calendar: {error}") from None
    index = bisect_right(_LEAP_DAYS, day_number) - 1
    if index < 0:
        raise SimError(f"'{utc}' lies before 1972-01-01, when UTC with leap seconds begins")
    is_leap = (hour, minute, second) == (23, 59, 60) and day_number + 1 in _LEAP_DAYS[1:]
    if hour > 23 or minute > 59 or (second > 59 and not is_leap):
        raise SimError(
            f"'{utc}' is not a time of day; hours go to 23, minutes and seconds to 59 "
            "(60 only in a leap second)"
        )
    second_of_day = hour * 3600 + minute * 60 + second
    return day_number * 86400 - _NOON_S + second_of_day + _TAI_MINUS_UTC_S[index]


def utc_label(tai_s: float, decimals: int = 0) -> str:
    """UTC label of TAI seconds since 2000-01-01T12:00:00 TAI, rounded to `decimals` of a second."""
    scale = 10**decimals
    ticks = round(tai_s * scale)
    whole, fraction = divmod(ticks, scale)
    index = bisect_right(_LEAP_TAI_S, whole) - 1
    offset = _TAI_MINUS_UTC_S[max(index, 0)]
    leap = 0
    if index + 1 < len(_LEAP_TAI_S) and whole == _LEAP_TAI_S[index + 1] - 1 and index >= 0:
        leap, whole = 1, whole - 1
    day_number, second_of_day = divmod(whole - offset + _NOON_S, 86400)
    hour, rest = divmod(second_of_day, 3600)
    minute, second = divmod(rest, 60)
    day = date.fromordinal(day_number + _J2000_DAY).isoformat()
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{day}T{hour:02d}:{minute:02d}:{second + leap:02d}{tail}Z"


def utc_labels(tai_s: ArrayLike) -> list[str]:
    """UTC labels of TAI times (N,) since 2000-01-01T12:00:00 TAI, rounded to whole seconds."""
    whole = np.rint(tai_s).astype(np.int64)
    starts, offsets = np.array(_LEAP_TAI_S), np.array(_TAI_MINUS_UTC_S)
    index = np.searchsorted(starts, whole, side="right") - 1
    is_leap = np.append(starts[1:], -1)[index] == whole + 1
    is_leap &= index >= 0
    since_day = whole - is_leap - offsets[np.maximum(index, 0)] + _NOON_S
    dates = _J2000_DATE + since_day.astype("timedelta64[s]")
    labels: list[str] = np.datetime_as_string(dates, unit="s", timezone="UTC").tolist()
    for row in np.flatnonzero(is_leap):
        labels[row] = f"{labels[row][:-3]}60Z"
    return labels


@dataclass(frozen=True, slots=True)
class Clock:
    """Turns seconds since the scenario's start into UTC labels and Terrestrial Time, and back."""

    start_tai_s: int
    """TAI seconds since 2000-01-01T12:00:00 TAI at `t_s` = 0."""

    @classmethod
    def starting(cls, start_utc: str) -> "Clock":
        """The clock whose zero is the UTC label `start_utc`."""
        return cls(tai_seconds(start_utc))

    def seconds(self, utc: str) -> int:
        """`t_s` of a UTC label."""
        return tai_seconds(utc) - self.start_tai_s

    def utc(self, t_s: float, decimals: int = 0) -> str:
        """UTC label of `t_s`, rounded to `decimals` of a second."""
        return utc_label(self.start_tai_s + t_s, decimals)

    def labels(self, t_s: ArrayLike) -> list[str]:
        """UTC labels of times (N,), rounded to whole seconds as by `utc`."""
        return utc_labels(self.start_tai_s + np.asarray(t_s))

    @property
    def start_tt_s(self) -> float:
        """Terrestrial Time at `t_s` = 0, in seconds since J2000.0 (2000-01-01T12:00:00 TT)."""
        return self.start_tai_s + TT_MINUS_TAI_S
