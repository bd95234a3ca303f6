"""Any sequence of runs, kills, new data and other settings that ends with a run ends as an undisturbed run does."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from injection import Ending, Injector
from scenarios import BOOSTING, Scenario, begin_anew, state, write_table

SETTINGS = [Scenario((f"kedro run --params {BOOSTING},options.learning_rate={rate}",)) for rate in (0.1, 0.2)]
STEPS, OPERATIONS = 6, 250  # of a sequence at most; of a run


def try_sequences(
    injector: Injector, template: Path, keys: Sequence[str], judge: Callable[[str, str, Ending, dict[str, str]], Any]
) -> None:
    """Try as many sequences as there are keys.

    Args:
        injector: runs commands in its project.
        template: the project at the beginning of a sequence.
        keys: what the results file calls the sequences.
        judge: takes key and words of a sequence, its last run, and the state after an undisturbed run.
    """
    project, left = injector.root, list(keys)
    wholes = {chosen: _undisturbed(injector, template, *chosen) for chosen in product(range(2), range(2))}

    class Machine(RuleBasedStateMachine):
        """A project that is used, and a computer that fails."""

        def __init__(self) -> None:
            super().__init__()
            begin_anew(project, template)
            self.data, self.setting, self.taken = 0, 0, list[str]()

        @rule()
        def run(self) -> None:
            self.taken.append("run")
            injector.run(SETTINGS[self.setting].call)

        @rule(nth=st.integers(1, OPERATIONS))
        def kill(self, nth: int) -> None:
            self.taken.append(f"kill {nth}")
            injector.run(SETTINGS[self.setting].call, "kill", nth)

        @rule()
        def edit(self) -> None:
            self.taken.append("edit")
            self.data = 1 - self.data
            write_table(project, self.data)

        @rule()
        def change_setting(self) -> None:
            self.taken.append("set")
            self.setting = 1 - self.setting

        def teardown(self) -> None:
            if left:
                ending = injector.run(SETTINGS[self.setting].call)
                judge(left.pop(0), " ".join(self.taken), ending, wholes[self.data, self.setting])

    if keys:
        checks = settings(
            max_examples=len(keys),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a failure is a line of the results; making it small would take hours
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(seed(keys[0])(Machine), settings=checks)


def _undisturbed(injector: Injector, template: Path, data: int, setting: int) -> dict[str, str]:
    begin_anew(injector.root, template)
    write_table(injector.root, data)
    ending = injector.run(SETTINGS[setting].call)
    if ending.code:
        raise RuntimeError(ending.said)
    return state(injector.root)
