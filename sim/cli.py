"""The command line: verbs, options, exit codes. Tables go to stdout, messages to stderr."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim import __version__
from sim.errors import SimError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.environment import LinkSeries
    from sim.scenario.schema import Scenario

DONE, REFUSED, USAGE, BOOKS_OPEN, DEFECT, INTERRUPTED = 0, 1, 2, 3, 70, 130
"""Exit codes."""
_BROKEN_PIPE = 141
_PIPED_WIDTH = 250  # columns of a table that no terminal cuts off
_DAY_COLUMNS = (
    *("lunar_day", "asset", "sunrise_utc", "wake_utc", "sleep_utc", "awake_h"),
    *("lowest_state_of_charge", "capacity_gb", "produced_gb", "delivered_gb", "limited_by"),
)
_WINDOW_COLUMNS = (
    *("kind", "observer", "target", "start_utc", "stop_utc", "culmination_elevation_deg"),
    *("culmination_range_km", "link"),
)
_BUDGET_COLUMNS = (
    "term",
    "unit",
    "favourable",
    "design",
    "adverse",
    "distribution",
    "mean",
    "variance",
)

app = typer.Typer(
    name="farside",
    help="How lunar surface missions live and what they send home.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ScenarioPath = Annotated[Path, typer.Argument(metavar="SCENARIO", help="The YAML file.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="What if: another value at a key path, as vehicles.lander.battery.capacity_wh=3000. "
        "May be given several times.",
    ),
]
CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it as JSON.")]
PlotFile = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it (PNG, SVG).")
]
AtUtc = Annotated[str | None, typer.Option("--at", metavar="UTC", help="YYYY-MM-DDTHH:MM[:SS]Z.")]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The run's folder; results/NAME.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Instead of the scenario's.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute orbits and windows anew.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = app(args=arguments, prog_name="farside", standalone_mode=False)
        sys.stdout.flush()
    except SimError as error:
        _say(str(error))
        code = REFUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        code = INTERRUPTED
    except Exception as error:
        code = _unexpected(error)
    return code or DONE


def _unexpected(error: Exception) -> int:
    """A wrong use of the command line says so itself; anything else is a defect of farside."""
    if hasattr(error, "format_message"):
        words = error.format_message()
        if words.startswith("Usage:"):
            print(words, file=sys.stderr)
        else:
            _say(
                f"{words[:1].lower()}{words[1:].rstrip('.')}; 'farside --help' lists what there is"
            )
        return USAGE
    traceback.print_exception(error)
    _say(
        f"this is a defect of farside {__version__}, not of your scenario; please report it with "
        "the lines above, the command and the scenario to whoever gave you farside"
    )
    return DEFECT


def _say(message: str) -> None:
    print(f"farside: {message}", file=sys.stderr)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"farside {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """How lunar surface missions live and what they send home."""


@app.command()
def check(path: ScenarioPath, set_: Overrides = []) -> None:  # noqa: B006 - typer reads it only
    """Read a scenario and say whether it can be run."""
    from sim.scenario.radio import scenario_link_warnings

    scenario = _loaded(path, set_)
    counts = {
        "vehicle": len(scenario.vehicles),
        "relay": len(scenario.relays),
        "station": len(scenario.stations),
        "link": len(scenario.links),
    }
    words = [f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items()]
    for warning in scenario_link_warnings(scenario):
        _say(f"warning: {warning}")
    print(f"{path} can be run: {', '.join(words)}")


@app.command()
def run(
    path: ScenarioPath,
    set_: Overrides = [],  # noqa: B006
    out: OutFolder = None,
    seed: Seed = None,
    csv: CsvFile = None,
    json: JsonFile = None,
    no_cache: NoCache = False,
) -> int:
    """Run a scenario: print what came back of what was possible, and write everything."""
    from sim import cache
    from sim.running import run_and_write

    scenario = _loaded(path, set_)
    folder = out or Path("results") / scenario.name
    with _progress() as progress:
        results = run_and_write(scenario, folder, seed=seed, cache=not no_cache, progress=progress)
    for message in cache.messages:
        _say(message)
    for vehicle in results.summary["vehicles"].values():
        print(vehicle["sentence"])
    days = results.lunar_days
    _print_table(days.columns, days.rows(), _DAY_COLUMNS)
    _print_assumed(scenario)
    _write_table(days.columns, days.rows(), csv, json)
    _say(f"tables and figures are in {folder}")
    if results.summary["books"] != "closed":
        _say(f"the books do not close: {'; '.join(results.summary['open_books'])}")
        return BOOKS_OPEN
    return DONE


@app.command("plot")
def draw(
    folder: Annotated[Path, typer.Argument(metavar="RESULTS_DIR", help="A run's folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to; its own figures/.")
    ] = None,
) -> None:
    """Draw the figures of a run again."""
    from sim.report.figures import write_figures
    from sim.results import load_results

    results = load_results(folder)
    place = out or folder / "figures"
    with _progress() as progress:
        write_figures(results, place, progress=progress)
    _say(f"figures are in {place}")


@app.command()
def windows(
    path: ScenarioPath,
    set_: Overrides = [],  # noqa: B006
    csv: CsvFile = None,
    json: JsonFile = None,
    plot: PlotFile = None,
    no_cache: NoCache = False,
) -> None:
    """Show when the Sun, the relays and the stations are in view, and every contact."""
    from sim.environment import compute_environment
    from sim.results import windows_table

    with _progress() as progress:
        environment = compute_environment(
            _loaded(path, set_), cache=not no_cache, progress=progress
        )
    frame = windows_table(environment)
    _print_table(frame.columns, frame.rows(), _WINDOW_COLUMNS)
    _write_table(frame.columns, frame.rows(), csv, json)
    if plot is not None:
        from sim.report.views import write_windows_figure

        write_windows_figure(environment, plot)


@app.command()
def link(
    path: ScenarioPath,
    source: Annotated[str, typer.Argument(metavar="FROM", help="ASSET or ASSET.TERMINAL.")],
    destination: Annotated[str, typer.Argument(metavar="TO", help="ASSET or ASSET.TERMINAL.")],
    set_: Overrides = [],  # noqa: B006
    at: AtUtc = None,
    csv: CsvFile = None,
    json: JsonFile = None,
    plot: PlotFile = None,
    over: Annotated[
        str | None,
        typer.Option(
            "--over",
            metavar="pass|DAYS",
            help="Margin and rate over the view that holds --at, or over days from it on.",
        ),
    ] = None,
    needs: Annotated[
        bool, typer.Option("--needs", help="What the terminals must have for each rate to close.")
    ] = False,
) -> None:
    """Show the design control table of a link at one instant, the start if not said."""
    scenario = _loaded(path, set_)
    at_utc = at or scenario.start_utc
    if needs:
        _print_needs(scenario, source, destination, csv, json)
    elif over is None:
        _print_budget(scenario, source, destination, at_utc, csv, json)
    if over is not None or plot is not None:
        from sim.environment import link_series_over

        series = link_series_over(scenario, source, destination, over or "pass", at_utc)
        if over is not None:
            _print_series(scenario, series, csv, json)
        if plot is not None:
            from sim.report.views import write_link_figure

            write_link_figure(scenario, series, f"{source} to {destination}", plot)


def _print_budget(
    scenario: "Scenario",
    source: str,
    destination: str,
    at_utc: str,
    csv: Path | None,
    json: Path | None,
) -> None:
    from dataclasses import astuple, fields

    from sim.environment import link_budget

    budget = link_budget(scenario, source, destination, at_utc)
    header = [field.name for field in fields(budget.rows[0])]
    rows = [astuple(row) for row in budget.rows]
    print(f"{source} to {destination}, {budget.rate_bps} bit/s, {budget.code}")
    _print_table(header, rows, _BUDGET_COLUMNS)
    _print_table(["fact", "value", "unit"], budget.facts)
    verdict = "closes" if budget.closes else "does not close"
    print(
        f"margin {budget.margin_db:.2f} dB of {budget.needed_margin_db:.2f} dB asked for: {verdict}; "
        f"the highest rate that closes is {budget.closing_rate_bps} bit/s"
    )
    low, middle, high = (budget.margin_less_sigmas_db(sigmas) for sigmas in (3, 2, 1))
    print(f"mean margin less 1, 2 and 3 sigma: {high:.2f}, {middle:.2f} and {low:.2f} dB")
    _write_table(header, rows, csv, json)


def _print_series(
    scenario: "Scenario", series: "LinkSeries", csv: Path | None, json: Path | None
) -> None:
    from sim.results.links import movers_table, rate_changes_table, series_table

    _print_table(*rate_changes_table(series, scenario.clock))
    _print_table(*movers_table(series))
    _write_table(*series_table(series, scenario.clock), csv, json)


def _print_needs(
    scenario: "Scenario", source: str, destination: str, csv: Path | None, json: Path | None
) -> None:
    from sim.environment import assumed_terminal_values, rate_needs
    from sim.results.links import needs_table

    header, rows = needs_table(rate_needs(scenario, source, destination))
    print(f"{source} to {destination}, for 99 % of the time in view, and always (at its worst):")
    _print_table(header, rows)
    print("assumed for it:")
    for path, reason in assumed_terminal_values(scenario, source, destination).items():
        print(f"  {path}: {reason}")
    _write_table(header, rows, csv, json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario, for completion in an editor."""
    from sim.scenario.loading import scenario_schema

    print(scenario_schema())


@app.command()
def example(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which to print.")] = None,
    parts: Annotated[bool, typer.Option("--parts", help="List the named parts.")] = False,
) -> None:
    """List the scenarios that come with farside, or print one to start from."""
    if parts:
        from sim.scenario.parts import groups

        for group, entries in groups().items():
            print(f"{group}: {', '.join(entries)}")
        return
    from sim.scenario.shipped import example_headlines, example_text

    if name is None:
        for known, headline in example_headlines().items():
            print(f"{known:24}{headline}")
    else:
        print(example_text(name), end="")


def _loaded(path: Path, overrides: list[str]) -> "Scenario":
    from sim.scenario.loading import load_scenario

    return load_scenario(path, overrides)


@contextlib.contextmanager
def _progress() -> Iterator["Callable[[str, float], None]"]:
    """A bar on stderr that names the step, where stderr is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda step, fraction: bar.update(task, description=step, completed=fraction)


def _print_assumed(scenario: "Scenario") -> None:
    from sim.scenario.writing import assumed_inputs

    assumed = assumed_inputs(scenario.sources)
    print(f"{sum(map(len, assumed.values()))} inputs are assumed:")
    for reason, paths in assumed.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        print(f"  {paths[0]}{more}: {reason}")


def _print_table(
    header: Sequence[str], rows: Sequence[Sequence[Any]], columns: Sequence[str] | None = None
) -> None:
    """A table on stdout, of some columns if named; as wide as it needs where it is piped."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=_PIPED_WIDTH)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    kept = [list(header).index(name) for name in columns or header]
    for index in kept:
        is_number = any(isinstance(row[index], int | float) for row in rows)
        name, _, unit = header[index].rpartition("_")
        title = f"{name.replace('_', ' ')}\n{unit}"
        table.add_column(title.strip(), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(_cell(row[index]) for index in kept))
    console.print(table, highlight=False)


def _cell(value: Any) -> str:
    """A value as it is read on a screen: floats to the hundredth, times to the minute."""
    if value is None:
        return ""
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        return value[:16].replace("T", " ")
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _write_table(
    header: Sequence[str],
    rows: Sequence[Sequence[Any]],
    csv_file: Path | None,
    json_file: Path | None,
) -> None:
    """The whole table as a file, if one is wanted."""
    import csv
    import io
    import json

    from sim.cache import replace_file

    if csv_file is not None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        replace_file(csv_file, text.getvalue().encode())
    if json_file is not None:
        records = [dict(zip(header, row, strict=True)) for row in rows]
        replace_file(json_file, f"{json.dumps(records, indent=1)}\n".encode())
