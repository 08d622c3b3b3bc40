"""What the user writes: the schema of a scenario, the one YAML door, and the catalogue of parts."""
