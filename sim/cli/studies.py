"""Verbs for what stands behind a run, and for many: explain, compare, export, study, validate."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import (
    DONE,
    UNCONFIRMED,
    CsvFile,
    JsonFile,
    NoCache,
    OutFolder,
    PlotFile,
    app,
    output_file,
    print_table,
    progress_bar,
    say,
    write_table,
)
from sim.errors import ResultsError

_VALIDATION_COLUMNS = (
    *("scenario", "quantity", "kind", "published", "simulated", "unit"),
    *("difference", "tolerance", "verdict"),
)
ResultsFolder = Annotated[Path, typer.Argument(metavar="RESULTS_DIR", help="A run's folder.")]
_STUDY_COLUMNS = (
    *("asset", "delivered_gb", "produced_gb", "awake_h", "lowest_state_of_charge", "limited_by"),
    "error",
)


@app.command(short_help="Show what limited a run.")
def explain(
    folder: ResultsFolder,
    lunar_day: Annotated[
        int | None, typer.Option("--lunar-day", metavar="N", help="One lunar day; else all.")
    ] = None,
    csv: CsvFile = None,
    json: JsonFile = None,
    plot: PlotFile = None,
    no_cache: NoCache = False,
) -> None:
    """Show where the ideal went, what binds, and what one more unit of anything would bring."""
    from sim.study.explanation import explain as explained

    with progress_bar() as progress:
        found = explained(folder, lunar_day, cache=not no_cache, progress=progress)
    print_table(found.waterfall.columns, found.waterfall.rows())
    print_table(found.relaxations.columns, found.relaxations.rows())
    if found.marginals.is_empty():
        print("one more hour awake, decibel, gigabyte, watt or station hour brings next to nothing")
    else:
        print_table(found.marginals.columns, found.marginals.rows())
    write_table(found.relaxations.columns, found.relaxations.rows(), csv, json)
    if plot is not None:
        from sim.report.balance import waterfall_figure
        from sim.report.style import save_figure
        from sim.results import load_results

        figure = waterfall_figure(load_results(folder).waterfall, lunar_day)
        if figure is None:
            raise ResultsError("there is no link in this run, so that there is nothing to draw")
        save_figure(figure, plot)


@app.command(short_help="Show runs side by side.")
def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RESULTS_DIR...", help="Two runs' folders or more.")
    ],
    csv: CsvFile = None,
    json: JsonFile = None,
) -> None:
    """Show runs side by side: what differs in the scenarios, then in what came of them."""
    from sim.study.comparison import compare as compared

    found = compared(folders)
    if found.inputs.is_empty():
        print("the scenarios are the same")
    else:
        print_table(found.inputs.columns, found.inputs.rows())
    differing = found.results.filter(found.results["difference"] != "")
    if not differing.is_empty():
        print_table(differing.columns, differing.rows())
    print(f"{found.results.height - differing.height} of {found.results.height} results are equal")
    write_table(found.results.columns, found.results.rows(), csv, json)


@app.command(short_help="Write the contacts of a run.")
def export(
    folder: ResultsFolder,
    ion: Annotated[
        Path,
        typer.Option(
            "--ion",
            metavar="FILE",
            help="A contact plan in the format of ION.",
            callback=output_file,
        ),
    ],
    no_cache: NoCache = False,
) -> None:
    """Write the contacts of a run for other programs."""
    from sim.cache import replace_file
    from sim.environment import compute_environment
    from sim.report.exports import ion_plan
    from sim.results import load_results

    with progress_bar() as progress:
        environment = compute_environment(
            load_results(folder).scenario, cache=not no_cache, progress=progress
        )
    replace_file(ion, ion_plan(environment).encode())
    say(f"the contact plan is {ion}")


@app.command(short_help="Run many variants of a scenario.")
def study(
    path: Annotated[Path, typer.Argument(metavar="STUDY", help="The study's YAML file.")],
    out: OutFolder = None,
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", min=1, help="Run so many at once.")
    ] = 1,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="ADDRESS",
            help="A Dask scheduler, as tcp://host:8786, or 'local' to start one.",
        ),
    ] = None,
    csv: CsvFile = None,
    json: JsonFile = None,
    no_cache: NoCache = False,
) -> None:
    """Run every variant of a study; one that was stopped goes on where it was."""
    from sim.study.runs import run_study
    from sim.study.variants import load_study

    folder = out or Path("results") / load_study(path).name
    with progress_bar() as progress:
        found = run_study(
            path,
            folder,
            processes=processes,
            cluster=cluster,
            cache=not no_cache,
            progress=progress,
        )
    frame = found.variants
    varied = frame.columns[: frame.columns.index("asset")]
    shown = [*varied, *(name for name in _STUDY_COLUMNS if name in frame.columns)]
    print_table(frame.columns, frame.rows(), shown)
    write_table(frame.columns, frame.rows(), csv, json)
    say(f"the study's tables are in {folder}")


@app.command(short_help="Compare with published figures.")
def validate(
    scenarios: Annotated[
        list[str], typer.Argument(metavar="[SCENARIO...]", help="Names; all if none is given.")
    ] = [],  # noqa: B006 - typer reads it only
    spread: Annotated[
        bool, typer.Option("--spread", help="Ask again for eight phases of unpublished orbits.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 4 where a row fails.")
    ] = False,
    csv: CsvFile = None,
    json: JsonFile = None,
    plot: PlotFile = None,
    no_cache: NoCache = False,
) -> int:
    """Show published figures beside simulated ones, and how many of each kind agree."""
    from sim.validation import compare, phase_spread, published_rows
    from sim.validation.writing import COLUMNS, count_lines, table_rows

    names = [Path(name).stem for name in scenarios]
    rows = published_rows(names)
    with progress_bar() as progress:
        verdicts = compare(rows, cache=not no_cache, progress=progress)
        spreads = phase_spread(names, cache=not no_cache, progress=progress) if spread else []
    table = table_rows(verdicts)
    print_table(COLUMNS, table, _VALIDATION_COLUMNS)
    print("\n".join([*count_lines(verdicts), *(found.sentence for found in spreads)]))
    write_table(COLUMNS, table, csv, json)
    if plot is not None:
        from sim.report.style import save_figure
        from sim.validation.figures import verdict_figure

        save_figure(verdict_figure(verdicts), plot)
    failed = [verdict for verdict in verdicts if not verdict.passes]
    return UNCONFIRMED if strict and failed else DONE
