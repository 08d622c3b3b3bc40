"""The shell of the command line: options, exit codes, tables on stdout, messages on stderr."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sim import __version__
from sim.errors import ResultsError, SimError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.scenario.schema import Scenario

DONE, REFUSED, USAGE, BOOKS_OPEN, UNCONFIRMED, DEFECT, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130
"""Exit codes."""
_BROKEN_PIPE = 141
_PIPED_WIDTH = 250  # columns of a table that no terminal cuts off

_VERBS = (
    *("example", "check", "run", "windows", "link", "orbit", "power", "explain", "compare"),
    *("study", "validate", "plot", "report", "export", "schema", "cache"),
)
"""In the order in which a newcomer meets them; others come last."""


class _Verbs(TyperGroup):
    """The verbs, listed in the order of use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names for the help page."""
        rank = {name: index for index, name in enumerate(_VERBS)}
        return sorted(super().list_commands(ctx), key=lambda name: rank.get(name, len(rank)))


app = typer.Typer(
    name="farside",
    cls=_Verbs,
    epilog="Start with: farside example minimal > mine.yaml, then: farside run mine.yaml",
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


def output_file(path: Path | None) -> Path | None:
    """The place of a file to write, refused before anything is computed for it."""
    if path is not None and not path.parent.is_dir():
        raise ResultsError(
            f"{path} cannot be written: {path.parent} is no folder; choose another place"
        )
    return path


def _figure_file(path: Path | None) -> Path | None:
    from sim.report.places import checked_figure

    return None if path is None else output_file(checked_figure(path))


CsvFile = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write the table as CSV.", callback=output_file),
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write it as JSON.", callback=output_file),
]
PlotFile = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE", help="Draw it (PNG, SVG, PDF).", callback=_figure_file),
]


def _angle(value_deg: float) -> float:
    if not 0.0 <= value_deg <= 180.0:  # which no comparison with a NaN is
        raise typer.BadParameter(f"{value_deg:g} is not an angle of 0 to 180 degrees")
    return value_deg


ConjunctionDeg = Annotated[
    float,
    typer.Option(
        "--conjunction-deg",
        metavar="DEG",
        help="How near the Sun's centre must come to what an antenna looks at; 0 for none.",
        callback=_angle,
    ),
]
AtUtc = Annotated[
    str | None, typer.Option("--at", metavar="UTC", help="When, as 2030-01-12T00:00Z.")
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where to; results/NAME if left out.")
]
Seed = Annotated[
    int | None, typer.Option("--seed", metavar="N", min=0, help="Instead of the scenario's.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute orbits and windows anew.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = app(args=arguments, prog_name="farside", standalone_mode=False)
        sys.stdout.flush()
    except SimError as error:
        say(str(error))
        code = REFUSED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        code = _unexpected(error)
    if code == INTERRUPTED:  # which typer, as of 0.29, gives back as a code
        say("interrupted")
    return code or DONE


def _unexpected(error: Exception) -> int:
    """A wrong use of the command line says so itself; anything else is a defect of farside."""
    if hasattr(error, "format_message"):
        words = error.format_message()
        if words.startswith("Usage:"):
            print(words, file=sys.stderr)
        else:
            say(f"{words[:1].lower()}{words[1:].rstrip('.')}; 'farside --help' lists what there is")
        return USAGE
    traceback.print_exception(error)
    say(
        f"this is a defect of farside {__version__}, not of your scenario; please report it with "
        "the lines above, the command and the scenario to whoever gave you farside"
    )
    return DEFECT


def say(message: str) -> None:
    """One line on stderr."""
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


def loaded(path: Path, overrides: list[str]) -> "Scenario":
    """The scenario with what `--set` says."""
    from sim.scenario.loading import load_scenario

    return load_scenario(path, overrides)


@contextlib.contextmanager
def progress_bar() -> Iterator["Callable[[str, float], None]"]:
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


def print_table(
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
        if header[index].endswith("_db_k"):
            name, unit = header[index].removesuffix("_db_k"), "dB/K"
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
    return f"{round(value, 2) + 0.0:.2f}" if isinstance(value, float) else str(value)


def write_table(
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
