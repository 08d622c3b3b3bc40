"""Tables, metrics, attribution and books of a run, and their files."""

from sim.results.outcome import Results, load_results
from sim.results.passes import windows_table

__all__ = ["Results", "load_results", "windows_table"]
