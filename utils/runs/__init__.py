"""Many runs: their execution, the store of their records, and comparisons of arms."""
