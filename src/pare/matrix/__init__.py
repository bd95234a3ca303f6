"""How far the run matrix has come, what is left of it and what that will cost; needs no torch."""

from pare.matrix.cost import Cost, cost
from pare.matrix.dvc import CELLS_FILE, dvc_cells, read_dvc_cells, write_dvc_cells
from pare.matrix.states import State, matrix_states
from pare.matrix.tables import LEGEND, block_table

__all__ = [
    "CELLS_FILE",
    "LEGEND",
    "Cost",
    "State",
    "block_table",
    "cost",
    "dvc_cells",
    "matrix_states",
    "read_dvc_cells",
    "write_dvc_cells",
]
