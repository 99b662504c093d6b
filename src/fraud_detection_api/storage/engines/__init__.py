"""The databases that the store can lie in: one file for each, and one entry in `known.py`."""
