"""Verbs for one mission: check, run, plot, windows, link, and what a scenario may hold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.console import (
    BOOKS_OPEN,
    DONE,
    AtUtc,
    ConjunctionDeg,
    CsvFile,
    JsonFile,
    NoCache,
    OutFolder,
    Overrides,
    PlotFile,
    ScenarioPath,
    Seed,
    app,
    loaded,
    print_table,
    progress_bar,
    say,
    write_table,
)

if TYPE_CHECKING:
    from sim.environment import LinkSeries
    from sim.scenario.schema import Scenario

_DAY_COLUMNS = (
    *("lunar_day", "asset", "sunrise_utc", "wake_utc", "sleep_utc", "awake_h"),
    *("lowest_state_of_charge", "capacity_gb", "produced_gb", "delivered_gb", "limited_by"),
)
_WINDOW_COLUMNS = (
    *("kind", "observer", "target", "start_utc", "stop_utc", "culmination_elevation_deg"),
    *("culmination_range_km", "link", "sun_angle_deg"),
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


@app.command(short_help="Say whether a scenario can be run.")
def check(path: ScenarioPath, set_: Overrides = []) -> None:  # noqa: B006 - typer reads it only
    """Read a scenario and say whether it can be run."""
    from sim.environment.stage import require_files

    scenario = loaded(path, set_)
    require_files(scenario)
    counts = {
        "vehicle": len(scenario.vehicles),
        "relay": len(scenario.relays),
        "station": len(scenario.stations),
        "link": len(scenario.links),
    }
    words = [f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items()]
    _say_warnings(scenario)
    print(f"{path} can be run: {', '.join(words)}")


@app.command(short_help="Run a scenario; write its results.")
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

    scenario = loaded(path, set_)
    folder = out or Path("results") / scenario.name
    _say_warnings(scenario)
    with progress_bar() as progress:
        results = run_and_write(scenario, folder, seed=seed, cache=not no_cache, progress=progress)
    for message in cache.messages:
        say(message)
    for vehicle in results.summary["vehicles"].values():
        print(vehicle["sentence"])
    days = results.lunar_days
    print_table(days.columns, days.rows(), _DAY_COLUMNS)
    _print_assumed(scenario)
    write_table(days.columns, days.rows(), csv, json)
    say(f"tables and figures are in {folder}")
    if results.summary["books"] != "closed":
        say(f"the books do not close: {'; '.join(results.summary['open_books'])}")
        return BOOKS_OPEN
    return DONE


@app.command("plot", short_help="Draw the figures of a run again.")
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
    with progress_bar() as progress:
        write_figures(results, place, progress=progress)
    say(f"figures are in {place}")


@app.command(short_help="Show what is in view when.")
def windows(
    path: ScenarioPath,
    set_: Overrides = [],  # noqa: B006
    csv: CsvFile = None,
    json: JsonFile = None,
    plot: PlotFile = None,
    conjunction_deg: ConjunctionDeg = 2.0,
    no_cache: NoCache = False,
) -> None:
    """Show what is in view when, every contact, and when the Sun is eclipsed or behind a target."""
    from sim.environment.compute import staged_environment
    from sim.environment.sightings import sightings
    from sim.environment.stage import set_stage
    from sim.results import windows_table

    scenario = loaded(path, set_)
    with progress_bar() as progress:
        stage = set_stage(scenario, cache=not no_cache, progress=progress)
        environment = staged_environment(stage, progress)
        more = sightings(stage, environment.hops, conjunction_deg)
    frame = windows_table(environment, more)
    print_table(frame.columns, frame.rows(), _WINDOW_COLUMNS)
    write_table(frame.columns, frame.rows(), csv, json)
    if plot is not None:
        from sim.report.views import write_windows_figure

        write_windows_figure(environment, frame, plot)


@app.command(short_help="Show the budget of a link.")
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
    scenario = loaded(path, set_)
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
    print_table(header, rows, _BUDGET_COLUMNS)
    print_table(["fact", "value", "unit"], budget.facts)
    verdict = "closes" if budget.closes else "does not close"
    if not budget.fact("in_view"):
        verdict += ", but the ends do not see each other then"
    print(
        f"margin {budget.margin_db:.2f} dB of {budget.needed_margin_db:.2f} dB asked for: {verdict}; "
        f"the highest rate that closes is {budget.closing_rate_bps} bit/s"
    )
    low, middle, high = (budget.margin_less_sigmas_db(sigmas) for sigmas in (3, 2, 1))
    print(f"mean margin less 1, 2 and 3 sigma: {high:.2f}, {middle:.2f} and {low:.2f} dB")
    write_table(header, rows, csv, json)


def _print_series(
    scenario: "Scenario", series: "LinkSeries", csv: Path | None, json: Path | None
) -> None:
    from sim.results.links import movers_table, rate_changes_table, series_table

    print_table(*rate_changes_table(series, scenario.clock))
    header, movers = movers_table(series)
    if movers:
        print_table(header, movers)
    else:
        print("no term of the budget moves")
    write_table(*series_table(series, scenario.clock), csv, json)


def _print_needs(
    scenario: "Scenario", source: str, destination: str, csv: Path | None, json: Path | None
) -> None:
    from sim.environment import assumed_terminal_values, rate_needs
    from sim.results.links import needs_table

    header, rows = needs_table(rate_needs(scenario, source, destination))
    print(f"{source} to {destination}, for 99 % of the time in view, and always (at its worst):")
    print_table(header, rows)
    assumed = assumed_terminal_values(scenario, source, destination)
    print("assumed for it:" if assumed else "no value of the link or its terminals is assumed")
    for path, reason in assumed.items():
        print(f"  {path}: {reason}")
    write_table(header, rows, csv, json)


@app.command(short_help="Print the JSON Schema of scenarios.")
def schema() -> None:
    """Print the JSON Schema of a scenario, for completion in an editor."""
    from sim.scenario.loading import scenario_schema

    print(scenario_schema())


@app.command(short_help="List or print shipped scenarios.")
def example(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which to print.")] = None,
    parts: Annotated[
        bool, typer.Option("--parts", help="List the parts that a scenario can name.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write it there with the files that it names."),
    ] = None,
) -> None:
    """List the scenarios that come with farside, or print one to start from."""
    if parts:
        _print_parts()
    elif name is None and out is not None:
        raise typer.BadParameter("name the example that --out writes")
    elif name is None:
        from sim.scenario.shipped import example_headlines

        for known, headline in example_headlines().items():
            print(f"{known:24}{headline}")
    elif out is not None:
        from sim.scenario.shipped import write_example

        for path in write_example(name, out):
            print(path)
    else:
        _print_example(name)


def _print_parts() -> None:
    from sim.scenario.parts import groups

    for group, entries in groups().items():
        print(f"{group}: {', '.join(entries)}")


def _print_example(name: str) -> None:
    from sim.scenario.shipped import example_text, named_files

    print(example_text(name), end="")
    files = named_files(name)
    if files:
        say(
            f"{name} needs {', '.join(files)} beside it; 'farside example {name} --out DIR' writes all"
        )


def _say_warnings(scenario: "Scenario") -> None:
    from sim.scenario.radio import scenario_warnings

    for warning in scenario_warnings(scenario):
        say(f"warning: {warning}")


def _print_assumed(scenario: "Scenario") -> None:
    from sim.scenario.writing import assumed_inputs

    assumed = assumed_inputs(scenario.sources)
    print(f"{sum(map(len, assumed.values()))} inputs are assumed:")
    for reason, paths in assumed.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        print(f"  {paths[0]}{more}: {reason}")
