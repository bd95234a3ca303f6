import pytest

from pare.config import PareError
from pare.paper.report.table_config import report_config


def entries(**changes):
    table = {
        "title": "Table 1",
        "columns": ["cifar100", {"task": "ninapro", "title": "NinaPro"}],
        "rows": [{"paper": "PaRe", "method": "pare", "figures": [6.25, None]}],
    } | changes
    return {"reference": "pare", "tables": {"table_1": table}}


def test_a_table_is_read_with_names_checked(library):
    table = report_config(entries(), library).tables["table_1"]
    assert [column.heading for column in table.columns] == ["cifar100", "NinaPro"]
    assert table.rows[0].figures == [6.25, None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": [{"paper": "PaRe", "method": "pear"}]}, "method 'pear' is unknown. Did you mean 'pare'"),
        ({"columns": ["cifar1000"], "rows": [{"paper": "P", "method": "pare"}]}, "task 'cifar1000' is unknown"),
        ({"rows": [{"paper": "PaRe", "method": "pare", "figures": [1.0]}]}, "has 1 figures for 2 columns"),
        ({"rows": [{"paper": "PaRe"}]}, "row 'PaRe' has neither a method nor figures"),
        ({"rows": [{"paper": "P", "method": "pare"}] * 2}, "rows need names of their own"),
        ({"rows": [{"paper": "P", "methd": "pare"}]}, r"methd' is unknown. Did you mean .*method'"),
        ({"summary": {"name": "table_3", "title": "", "baseline": "XGBoost"}}, "'XGBoost' is none of the rows: PaRe"),
        ({"summary": {"name": "table_1", "title": "", "baseline": "PaRe"}}, "'table_1' is another table's name"),
        (
            {
                "columns": [{"task": "ninapro", "variant": "fraction_10"}],
                "rows": [{"paper": "P", "method": "pare", "variant": "half"}],
            },
            "both name a variant",
        ),
    ],
)
def test_a_mistake_is_named(library, changes, message):
    with pytest.raises(PareError, match=message):
        report_config(entries(**changes), library)


def test_a_name_that_cannot_be_a_file_is_refused(library):
    with pytest.raises(PareError, match="pattern"):
        report_config({"reference": "pare", "tables": {"../table": entries()["tables"]["table_1"]}}, library)


@pytest.fixture(scope="module")
def shipped(library):
    from conftest import config_loader

    return report_config(config_loader()["report"], library)


# What the tasks call methods that are quoted only.
QUOTED = {
    "Hand-designed": "hand_designed",
    "NAS-Bench-360": "auto_dl",
    "DASH": "dash",
    "Perceiver IO": "perceiver_io",
    "PINN": "pinn",
    "AutoGluon": "autogluon",
    "TabPFN": "tabpfn",
}


def test_the_shipped_tables_hold_the_figures_that_the_tasks_hold(shipped, library):
    """Two lists of the same figures: of tables, for the report, and of tasks, for `kedro tasks`."""
    figures = {}
    for table in shipped.tables.values():
        for row in table.rows:
            for column, figure in zip(table.columns, row.figures or [], strict=False):
                if not row.variant and not column.variant and figure is not None:
                    name = row.method or QUOTED[row.paper]
                    assert figures.setdefault((column.task, name), figure) == figure
    tasks = {(task, name): value for task in library.tasks for name, value in library.task(task).paper.items()}
    assert {key: figures.get(key) for key in tasks} == tasks
    assert {task for task, _ in tasks} == {task for task, _ in figures}


def test_the_shipped_tables_are_those_of_the_paper(shipped):
    numbers = {name.removeprefix("table_"): len(table.columns) for name, table in shipped.tables.items()}
    assert numbers == {
        **{"1": 10, "2": 8, "4": 10, "5": 10, "6": 7, "7": 4, "11": 3, "14": 30, "15": 10, "16": 4, "17": 10, "18": 4}
    }
