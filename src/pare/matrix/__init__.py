"""The run matrix: its runs, how far each has come, the plan of what is left, and what runs it; needs no torch."""
