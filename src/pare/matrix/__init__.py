"""How far the run matrix has come, what is left of it and what that will cost; needs no torch."""

from pare.matrix.cost import Cost, cost
from pare.matrix.dvc import CELLS_FILE, check_base, dvc_cells, read_dvc_cells, write_dvc_cells
from pare.matrix.stages import STAGES_FILE, stage_digests, write_stage_digests
from pare.matrix.states import LEGEND, State, block_table, matrix_states

__all__ = [
    "CELLS_FILE",
    "LEGEND",
    "STAGES_FILE",
    "Cost",
    "State",
    "block_table",
    "check_base",
    "cost",
    "dvc_cells",
    "matrix_states",
    "read_dvc_cells",
    "stage_digests",
    "write_dvc_cells",
    "write_stage_digests",
]
