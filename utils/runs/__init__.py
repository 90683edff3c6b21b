"""Many runs: executing them, the store of their records, arms and how two compare."""
