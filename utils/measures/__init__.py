"""Measures of trained networks: thresholds, maps, units, gains and learning."""
