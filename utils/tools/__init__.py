"""What `make` calls: executing notebooks, the benchmark."""
