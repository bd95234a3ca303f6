from types import SimpleNamespace

from click.testing import CliRunner

from pare.cli import cli


def test_methods_are_listed_with_their_place_in_the_paper_and_what_they_change(conf):
    result = CliRunner().invoke(cli, ["methods"], obj=SimpleNamespace(project_path=conf.parent))
    assert result.exit_code == 0
    rows = [line for line in result.output.splitlines() if line.startswith(" cutmix")]
    assert len(rows) == 1 and "table 4" in rows[0] and "mixing.mixer=cutmix" in rows[0]
    rows = [line for line in result.output.splitlines() if line.startswith(" u_net")]
    assert len(rows) == 1 and "U-Net" in rows[0] and "table 2" in rows[0]
