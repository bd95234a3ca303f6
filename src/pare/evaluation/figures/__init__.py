"""Figures of what a model learnt: predictions of every kind, training curves, replaced patches (paper, section 3.3).

Every function returns a `matplotlib.figure.Figure` of its own; pyplot's global state stays untouched, so
nothing has to be closed and no display is needed.
"""
