"""The VM test harness: see ../README.md."""
