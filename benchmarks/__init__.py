"""What is timed: each module prints one line of JSON last."""
