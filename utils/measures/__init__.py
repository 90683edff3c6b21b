"""What is measured on trained networks: thresholds, maps, units, gains, learning."""
