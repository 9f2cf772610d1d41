"""Measures Sealbuf, its peers and the floors beside one another. `python -m sealbench --help`."""
