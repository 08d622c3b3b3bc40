"""Writes the comparison: `python -m sim.validation FOLDER FIGURES`, as `scripts/results` does."""

import sys
from pathlib import Path

from sim.cache import replace_file
from sim.report.style import save_figure
from sim.validation import compare, csv_text, markdown_text, phase_spread, published_rows
from sim.validation.cases import Cases
from sim.validation.figures import bulletin_figure, verdict_figure
from sim.validation.writing import count_lines


def write_comparison(folder: Path, figures: Path) -> None:
    """`validation.md` and `validation.csv` into one folder, the figures of the docs into another."""
    cases = Cases()
    verdicts = compare(published_rows(), cases=cases)
    replace_file(folder / "validation.csv", csv_text(verdicts).encode())
    replace_file(folder / "validation.md", markdown_text(verdicts, phase_spread()).encode())
    figures.mkdir(parents=True, exist_ok=True)
    save_figure(verdict_figure(verdicts), figures / "validation.png")
    save_figure(bulletin_figure(cases), figures / "validation_wakes.png")
    print("\n".join(count_lines(verdicts)))


if __name__ == "__main__":
    write_comparison(Path(sys.argv[1]), Path(sys.argv[2]))
