"""Pure functions, parameters and states, one domain per file: no clock, no files, no events."""
