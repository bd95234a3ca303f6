"""`kedro run` with both spellings of parameters."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from rich.logging import RichHandler

from pare.cli.common import FOLDS, SEEDS, clear_errors, ended_by_signals, together_error
from pare.config.errors import PareError, unknown_name
from pare.config.hyperparameters import TrainingConfig
from pare.config.ranks import rank, ranks
from pare.config.run import WHOLE
from pare.pipeline_registry import NAMES, OTHER_NAMES, STAGES
from pare.storage.parent import end_with_launcher

CHOOSE = "choose"  # a method, and a name of the whole pipeline by which it is the default
FITS = {WHOLE, "train"}  # pipelines that fit a model
TYPED = "pare.typed"  # in the context: the words of the command
WORKERS = click.Option(
    ["--workers"],
    type=click.IntRange(1),
    help="With seeds or folds in --params: runs at a time. Default: what the machine has.",
)


class LogLines(logging.Handler):
    """Log lines as they are: where no terminal is, rich breaks paths at 80 columns and fills lines with blanks."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line to what is the standard output now."""
        click.echo(self.format(record))


def log_unbroken_lines() -> None:
    """Replace Kedro's handler by `LogLines`, unless a person looks on."""
    root = logging.getLogger()
    others = [handler for handler in root.handlers if not isinstance(handler, RichHandler)]
    if len(others) < len(root.handlers) and not sys.stdout.isatty():
        lines = LogLines()
        lines.setFormatter(logging.Formatter("[%(asctime)s] %(message)s", "%H:%M:%S"))
        root.handlers = [*others, lines]


class RunCommand(click.Command):
    """`kedro run` that also takes ``--params task:darcy_flow`` and ``--pipeline``, and ends in one clear message."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn the first colon of each parameter without an equals sign into one (Kedro 1.x dropped it)."""
        args = _equals_for_colons(args)
        ctx.meta[TYPED] = [*args]
        with clear_errors():
            rest = super().parse_args(ctx, args)
        if "pipelines" in ctx.params:
            # --pipeline is the older spelling, of which Kedro would warn. For a run of no named pipeline Kedro would
            # import all of them.
            typed = ctx.params["pipelines"]
            names = typed or [ctx.params["pipeline"] or WHOLE]
            with clear_errors():
                _check_pipelines(names)
            if names == [CHOOSE]:
                ctx.params["params"] = {"method": CHOOSE, **(ctx.params["params"] or {})}
            ctx.params["pipelines"] = [WHOLE if name in OTHER_NAMES else name for name in names]
            ctx.params["pipeline"] = ctx.params["pipeline"] if typed else None
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run; a mistake of the user's ends without a traceback, and so does a signal such as Ctrl-C."""
        fits = FITS & {*ctx.params.get("pipelines", ())}
        with ended_by_signals(" The same command goes on after the last step or fit that was saved." if fits else ""):
            log_unbroken_lines()
            end_with_launcher()
            with clear_errors():
                return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        """One run, perhaps by several processes together, or the several that ``seeds`` or ``folds`` ask for."""
        workers = ctx.params.pop("workers", None)
        if ranks() > 1:
            return self._invoke_together(ctx)
        if {SEEDS, FOLDS} & {*(ctx.params.get("params") or {})}:
            from pare.cli.several_runs import run_several  # noqa: PLC0415 - pandas, which other commands import later

            return run_several(ctx, ctx.meta[TYPED], workers)
        if workers:
            raise PareError("--workers is for several runs, such as seeds=0-4; this is one, so leave it out")
        return super().invoke(ctx)

    def _invoke_together(self, ctx: click.Context) -> None:
        """One run of several processes: the main one brings its files and scores its model, and all train."""
        from pare.learners.distributed import from_main, leave  # noqa: PLC0415 - torch, which is not always needed

        names, params = ctx.params["pipelines"], ctx.params["params"] or {}
        if names not in ([WHOLE], ["train"]) or {SEEDS, FOLDS} & {*params} or params.get("method") == CHOOSE:
            raise together_error()
        if names == [WHOLE] and not rank():
            ctx.params["pipelines"] = ["ingest", "preprocess"]
            super().invoke(ctx)
        from_main(None)
        ctx.params["pipelines"] = ["train"]
        super().invoke(ctx)
        leave()
        if names == [WHOLE] and not rank():
            ctx.params["pipelines"] = ["evaluate"]
            super().invoke(ctx)


def _check_pipelines(names: Sequence[str]) -> None:
    """Refuse a pipeline that does not exist, before Kedro imports all of them to name the nearest."""
    for name in names:
        if name not in NAMES:
            shown = [known for known in NAMES if not known.startswith("_")]
            raise unknown_name("pipeline", name, shown, "`kedro run --help`")


def _equals_for_colons(args: list[str]) -> list[str]:
    """The words with one ``--params``, last and spelt as Kedro reads it, which of several would keep the last alone."""
    others, items, words = list[str](), list[str](), iter(args)
    for word in words:
        flag, sign, value = word.partition("=")
        if flag != "--params":
            others.append(word)
        elif (text := value if sign else next(words, None)) is not None:
            items.append(equals_for_colon_items(text))
        else:
            return args  # click says that it needs a value
    return [*others, *(["--params", ",".join(items)] if items else [])]


def equals_for_colon_items(text: str) -> str:
    """Turn the first colon of each item without an equals sign into one."""
    return ",".join(item if "=" in item else item.replace(":", "=", 1) for item in text.split(","))


def parse_params(ctx: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, Any]:
    """Read one ``--params`` or several as `kedro run` does."""
    parse = next(p.callback for p in kedro_run.params if p.name == "params")
    return dict(parse(ctx, option, equals_for_colon_items(",".join(texts)))) if parse and texts else {}


run = RunCommand(
    name="run",
    params=[*kedro_run.params, WORKERS],
    callback=kedro_run.callback,
    help=f"""{kedro_run.help}

    \b
    Examples:
      kedro run --params task=darcy_flow
      kedro run --params task=openml_wdbc,method=finetune,seed=1,training.epochs=10
      kedro run --params task=openml_wdbc,method=catboost
      kedro run --params task=openml_wdbc,method=choose,minutes=5
      kedro run --params task=openml_wdbc,method=probe,seeds=0-4 --workers 2

    \b
    Parameters (--params a=1,b=2):
      task=NAME       what is learnt: kedro tasks
      method=NAME     what learns it, pare by default: kedro methods; choose: the best of several
      minutes=10      for fitting, for any method; else its own number, or until it is done
      start=random    a random embedder and predictor, as in the paper; else solved heads
      source=NAME     the pretrained encoder: conf/base/sources.yml
      seed=0          of everything random; seeds=0-4 or 0-2+7: one run a seed, then their mean
      folds=5         cross-validation of your own data; fold=2/5: one of its runs
                      (seeds and folds: what is not done yet, --workers runs at a time)
      variant=NAME    a name for a run with values of its own: kedro methods
      predict=FILE    new rows, for --pipelines=predict or explain
      tracking=NAME   tensorboard, mlflow, trackio, wandb or dvclive: docs/tracking.md
      protocol=paper  no validation rows, and the last epoch; validated by default
      training.KEY=3  {", ".join(TrainingConfig.COMMON[:6])},
                      {", ".join(TrainingConfig.COMMON[6:])}
      options.KEY=3   of the method's own: kedro tasks show TASK --params method=NAME
      others          docs/parameters.md; the values of a run: kedro tasks show TASK
    Pipelines (--pipelines=NAME):
      {WHOLE}, by default: all of {", ".join(STAGES)}, or name one;
      other names of it: {", ".join(name for name in OTHER_NAMES if not name.startswith("_"))};
      with its model: {", ".join(name for name in NAMES if name not in (*STAGES, WHOLE, *OTHER_NAMES))}
    Next come the options of Kedro.""",
)
