"""How far the run matrix has come, what is left of it and what that will cost; needs no torch."""

from pare.matrix.cost import Cost, cost
from pare.matrix.dvc import STAGES, check_base, read_stage_files, stage_files, write_stage_files
from pare.matrix.stages import DIGESTS, stage_digests, write_stage_digests
from pare.matrix.states import LEGEND, State, block_table, matrix_states

__all__ = [
    "DIGESTS",
    "LEGEND",
    "STAGES",
    "Cost",
    "State",
    "block_table",
    "check_base",
    "cost",
    "matrix_states",
    "read_stage_files",
    "stage_digests",
    "stage_files",
    "write_stage_digests",
    "write_stage_files",
]
