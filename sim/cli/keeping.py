"""Verbs for what is kept: the page of a run, and the cache."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.console import app, print_table, progress_bar, say

_MEGABYTE = 1e6


@app.command(short_help="Write a run as one HTML page.")
def report(
    folder: Annotated[Path, typer.Argument(metavar="RESULTS_DIR", help="A run's folder.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The page; report.html in the run's folder."),
    ] = None,
) -> None:
    """Write everything about a run as one HTML page that needs no network."""
    from sim.report import write_report
    from sim.results import load_results

    results = load_results(folder)
    with progress_bar() as progress:
        progress("figures", 0.0)
        page = write_report(results, out or folder / "report.html")
    say(f"the page is {page}")


@app.command("cache", short_help="Show or clear what is kept.")
def kept(
    clear: Annotated[bool, typer.Option("--clear", help="Remove what is kept.")] = False,
) -> None:
    """Show where orbits, windows, rates, light and machine code are kept, and how much of them."""
    from sim import cache

    place = cache.folder()
    if place is None:
        print("there is no cache folder; set FARSIDE_CACHE_DIR to have one")
        return
    if clear:
        cache.clear()
    rows = [(layer.name, layer.files, layer.size_bytes / _MEGABYTE) for layer in cache.layers()]
    print(place)
    print_table(("layer", "files", "megabytes"), rows)
