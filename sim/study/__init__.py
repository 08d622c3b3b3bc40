"""Many runs: what binds one, what one more unit of something brings, and variants side by side."""
