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

    from sim.scenario.schema import Scenario

DONE, REFUSED, USAGE, BOOKS_OPEN, DEFECT, INTERRUPTED = 0, 1, 2, 3, 70, 130
"""Exit codes."""
_BROKEN_PIPE = 141
_PIPED_WIDTH = 250  # columns of a table that no terminal cuts off

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
    scenario = _loaded(path, set_)
    counts = {
        "vehicle": len(scenario.vehicles),
        "relay": len(scenario.relays),
        "station": len(scenario.stations),
        "link": len(scenario.links),
    }
    words = [f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items()]
    print(f"{path} can be run: {', '.join(words)}")


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


def _print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=_PIPED_WIDTH)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(header):
        is_number = any(isinstance(row[index], int | float) for row in rows)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)
