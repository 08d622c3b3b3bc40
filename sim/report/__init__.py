"""Figures and pages that show a run, and its contacts for other programs."""

from typing import Any

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    """`write_report` on first use: exports need no matplotlib."""
    if name == "write_report":
        from sim.report.page import write_report  # noqa: PLC0415 - matplotlib takes 0.3 s

        return write_report
    raise AttributeError(f"module 'sim.report' has no attribute '{name}'")
