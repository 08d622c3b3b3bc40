"""Where figures may go, said before they are drawn: a reader need not wait for a refusal."""

from pathlib import Path

from sim.errors import ResultsError

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")


def checked_figure(path: Path) -> Path:
    """The path of a figure; `ResultsError` where its name does not end as figures do."""
    if path.suffix.lower() not in FIGURE_SUFFIXES:
        raise ResultsError(
            f"{path} is no figure; its name must end in {', '.join(FIGURE_SUFFIXES)}"
        )
    return path
