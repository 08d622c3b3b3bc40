"""The run itself: vehicles, relays and contacts under one clock of whole seconds."""

from sim.operations.engine import operate
from sim.operations.runlog import RunLog

__all__ = ["RunLog", "operate"]
