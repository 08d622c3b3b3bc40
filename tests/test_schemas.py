"""The schemas and their page: columns are only appended, and the page says what each one means."""

from pathlib import Path

import polars as pl

from sim.results.attribution import CAUSES
from sim.results.schemas import LUNAR_DAYS, TABLES, markdown, rounded, table

# The first columns of the contract, in its order; more may follow, none may move.
FIRST = [
    "lunar_day",
    "asset",
    "sunrise_utc",
    "sunset_utc",
    "first_light_utc",
    "last_light_utc",
    "lit_h",
    "wake_utc",
    "sleep_utc",
    "awake_h",
    "demanded_wh",
    "generated_wh",
    "used_wh",
    "spilled_wh",
    "lost_wh",
    "stored_change_wh",
    "unmet_wh",
    "lowest_state_of_charge",
    "contact_h",
    "capacity_gb",
    "produced_gb",
    "delivered_gb",
    "delivered_of_this_day_gb",
    "handed_over_gb",
    "dropped_gb",
    "lost_gb",
    "on_board_gb",
    "in_relay_gb",
    "largest_loss",
    "limited_by",
]


def test_lunar_days_begin_as_they_were_promised() -> None:
    assert [column.name for column in LUNAR_DAYS][: len(FIRST)] == FIRST


def test_every_utc_has_its_seconds() -> None:
    for columns in TABLES.values():
        names = {column.name for column in columns}
        for name in names:
            if name.endswith("_utc"):
                assert name.removesuffix("_utc") + "_s" in names


def test_the_page_shows_every_column_and_cause(repository: Path) -> None:
    page = (repository / "docs" / "results.md").read_text(encoding="utf-8")
    for name, columns in TABLES.items():
        assert f"### `{name}`\n\n{markdown(columns)}" in page
    for cause, meaning in CAUSES.items():
        assert f"| `{cause}` | {meaning} |" in page


def test_an_empty_table_has_its_columns() -> None:
    for columns in TABLES.values():
        frame = table(columns, [])
        assert frame.columns == [column.name for column in columns]
        assert len(rounded(frame, columns)) == 0


def test_columns_that_are_not_given_are_empty() -> None:
    frame = table(TABLES["series"], {"t_s": [1, 2]})
    assert frame["value"].null_count() == 2
    assert frame["t_s"].dtype == pl.Int64
