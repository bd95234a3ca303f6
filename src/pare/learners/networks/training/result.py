"""What a training gives back: the selected network and the record of how it went."""

import time
from functools import partial

from pare.evaluation.scoring import calibrated
from pare.learners.learner import Fitted
from pare.learners.machine import peak_memory_mb, versions
from pare.learners.networks.models.threads import most_used
from pare.learners.networks.trained_network import TrainedNetwork
from pare.learners.networks.training.checkpoint import SOLVED, Checkpoint, Progress
from pare.learners.networks.training.setup import Setup


def result(setup: Setup, progress: Progress, checkpoint: Checkpoint) -> Fitted:
    """The network of the best epoch, or the solved start, fitted to the validation rows as well.

    Args:
        setup: what was trained.
        progress: how the training went.
        checkpoint: holds the best weights.
    """
    network, accelerator, rows = setup.network.eval(), setup.accelerator, setup.rows["validation"]
    network.load_state_dict(checkpoint.best)
    predictor = TrainedNetwork(network, setup.parts.encoder_config)
    calibration = calibrated(setup.run.task, partial(predictor.outputs, device=accelerator.device), rows)
    started, n_train, start = time.perf_counter(), len(setup.chosen), progress.start
    if setup.parts.start and start and progress.best_epoch == SOLVED and len(rows):
        if accelerator.is_main_process:  # which has the features of the start, and writes the model
            setup.parts.start.fit([setup.part("train"), setup.part("validation")], start)
        n_train += len(rows)
    seconds = progress.seconds + time.perf_counter() - started
    record = {
        **setup.parts.record,
        "start": start and {name: value for name, value in start.items() if name != "losses"},
        "history": progress.history,
        "left_out": progress.left_out,
        "replaced": progress.replaced,
        "gate_scores": progress.gate_scores,
        "alignment": progress.alignment,
        "best_epoch": None if progress.best_epoch is None else progress.best_epoch + 1,
        "validation": progress.best_value,
        "n_train": n_train,
        "train_seconds": round(seconds, 1),
        "samples_per_second": round(len(setup.chosen) * max(len(progress.history), 1) / seconds, 2),
        "peak_memory_mb": round(max(progress.peak_memory_mb, peak_memory_mb())),
        "device": str(accelerator.device),
        "processes": accelerator.num_processes,
        "batch_size": setup.training.batch_size,
        "precision": accelerator.mixed_precision,
        "threads": most_used(network),
        "versions": versions("torch", "transformers", "accelerate"),
    }
    network.cpu()
    return Fitted(predictor, record, calibration)
