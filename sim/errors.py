"""The errors a user can meet.

```
SimError                     whatever farside tells its user in one line (exit code 1)
├── ScenarioError            the YAML file: file, line, key path, value, what is allowed
├── KernelError              a date or a frame that the ephemeris does not cover
├── OrbitError               a trajectory that cannot be made or read
├── TerrainError             a mask or an elevation model that does not fit the site
├── ResultsError             a results folder that is not ours, not readable or not writable
├── StudyError               a study that cannot be planned or run
└── MissingExtraError        an optional package, with the pip line that brings it
```

Each takes exactly one argument, its message: SimPy raises an exception again as `type(e)(*e.args)`.
Messages are lower case, one line, a whole sentence: what was given, where, what is allowed, what to do.
"""


class SimError(Exception):
    """Whatever farside has to tell its user; the only exception that the command line prints."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class ScenarioError(SimError):
    """A scenario that cannot be used as it is written."""


class KernelError(SimError):
    """A date, a body or a frame that the kernels do not cover."""


class OrbitError(SimError):
    """A trajectory that cannot be made, read or written."""


class TerrainError(SimError):
    """A horizon mask or an elevation model that does not fit the site."""


class ResultsError(SimError):
    """A results folder that is not ours, not readable or not writable."""


class StudyError(SimError):
    """A study that cannot be planned or run."""


class MissingExtraError(SimError):
    """A package that is an extra of farside and is not installed."""
