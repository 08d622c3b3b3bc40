"""The command line: verbs, options, exit codes. Tables go to stdout, messages to stderr."""

from sim.cli import assets, keeping, missions, studies
from sim.cli.console import (
    BOOKS_OPEN,
    DEFECT,
    DONE,
    INTERRUPTED,
    REFUSED,
    UNCONFIRMED,
    USAGE,
    app,
    main,
)

__all__ = [
    "BOOKS_OPEN",
    "DEFECT",
    "DONE",
    "INTERRUPTED",
    "REFUSED",
    "UNCONFIRMED",
    "USAGE",
    "app",
    "assets",
    "keeping",
    "main",
    "missions",
    "studies",
]
