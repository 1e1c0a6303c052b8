"""Benchmarks: `make bench` makes captures, runs this program and others on them, and writes the page."""
