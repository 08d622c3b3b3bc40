"""Tables, metrics, attribution and books of a run, and their files."""

from sim.results.outcome import Results, load_results

__all__ = ["Results", "load_results"]
