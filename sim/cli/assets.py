"""Verbs for one asset: the orbit of a relay, the power of the vehicles."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import (
    AtUtc,
    CsvFile,
    JsonFile,
    NoCache,
    Overrides,
    PlotFile,
    ScenarioPath,
    app,
    loaded,
    output_file,
    print_table,
    progress_bar,
    say,
    write_table,
)

_FACT_HEADER = ("fact", "value", "unit")


@app.command(short_help="Show an orbit; write it as SPK or OEM.")
def orbit(
    path: ScenarioPath,
    name: Annotated[
        str, typer.Argument(metavar="RELAY", help="A relay, or one of the trajectories.")
    ],
    set_: Overrides = [],  # noqa: B006 - typer reads it only
    at: AtUtc = None,
    csv: CsvFile = None,
    json: JsonFile = None,
    spk: Annotated[
        Path | None,
        typer.Option(
            "--spk", metavar="FILE", help="Write it for SPICE (type 2).", callback=output_file
        ),
    ] = None,
    oem: Annotated[
        Path | None,
        typer.Option(
            "--oem", metavar="FILE", help="Write it as CCSDS OEM 2.0.", callback=output_file
        ),
    ] = None,
    no_cache: NoCache = False,
) -> None:
    """Show period, heights and elements of an orbit through the run; write it for other programs."""
    from sim.environment.stage import instant_s, named_orbit
    from sim.sky.orbits import write_oem, write_spk
    from sim.sky.orbits.facts import orbit_facts

    scenario = loaded(path, set_)
    with progress_bar() as progress:
        found, sky = named_orbit(scenario, name, cache=not no_cache, progress=progress)
    at_s = None if at is None else instant_s(scenario.clock, at, found.track.stop_s)
    rows = orbit_facts(found, sky, at_s)
    print_table(_FACT_HEADER, [(fact, _shown(value), unit) for fact, value, unit in rows])
    write_table(_FACT_HEADER, rows, csv, json)
    for file, write in ((spk, write_spk), (oem, write_oem)):
        if file is not None:
            write(file, found, name)
            say(f"the orbit of {name} is in {file}")


@app.command(short_help="Show energy, nights and wakes.")
def power(
    path: ScenarioPath,
    set_: Overrides = [],  # noqa: B006
    lunar_day: Annotated[
        int | None, typer.Option("--lunar-day", metavar="N", help="The lunar day to draw.")
    ] = None,
    csv: CsvFile = None,
    json: JsonFile = None,
    plot: PlotFile = None,
    no_cache: NoCache = False,
) -> None:
    """Show what the loads ask for, the energy of each lunar day, and how nights are survived."""
    from sim.results.survival import ENERGY, NIGHTS, power_report
    from sim.running import run

    with progress_bar() as progress:
        results = run(loaded(path, set_), cache=not no_cache, progress=progress)
    report = power_report(results.environment, results.log)
    days = report.days
    if plot is not None:
        from sim.report.power_figure import write_power_figure

        write_power_figure(results, days, plot, lunar_day)
    print_table(report.budget.columns, report.budget.rows())
    print_table(days.columns, days.rows(), ENERGY)
    print_table(days.columns, days.rows(), NIGHTS)
    print_table(report.dark.columns, report.dark.rows())
    write_table(days.columns, days.rows(), csv, json)
    print(report.sentence)


def _shown(value: float | str | int) -> str:
    """Facts have all sizes: seven digits of each."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
