"""From a labelled table to a fraud probability that a risk team trusts and can serve."""

__version__ = "0.1.0"
