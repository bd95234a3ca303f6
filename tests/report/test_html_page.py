import re
from html.parser import HTMLParser

from pare.report.html_page import Cell, Plot, Section, Table, picture, render_page

VOID = {"meta", "wbr"}


class Balance(HTMLParser):
    """Which elements are open; HTML's own nesting rules are left out."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.open += [tag] if tag not in VOID else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page():
    evil = "<script>alert(1)</script>"
    table = Table("T", [Cell("a_b"), Cell("c", tip='"quoted"')], [[Cell(evil), Cell("2", "below", 2.5, "number")]])
    plot = Plot("P", "<svg><title>tip</title></svg>", evil, ["figures/p.csv"])
    return render_page("Report", evil, [evil], [Section("s", "S", [evil], ["kedro run"], [plot], [table])])


def test_elements_are_closed_in_order():
    parser = Balance()
    parser.feed(page())
    assert parser.open == []


def test_names_appear_as_text_and_never_as_markup():
    assert "<script>alert" not in page()
    assert page().count("&lt;script&gt;alert(1)&lt;/script&gt;") == 5


def test_the_page_needs_no_network():
    links = re.findall(r'(?:src|href)="([^"]*)"', page())
    assert links == ["#s", "figures/p.csv"]
    assert "<svg><title>tip</title></svg>" in page()


def test_cells_carry_what_they_are_sorted_by():
    assert '<td class="number" data-sort="2.5">2<span class="below">below</span></td>' in page()


def test_all_but_the_first_paragraph_and_note_is_folded_and_so_are_remarks():
    table = Table("T", [Cell("a")], [[Cell("1")]], ["first note", "second note"])
    hidden = Table("H", [Cell("a")], [[Cell("folded cell")]], folded=True)
    section = Section("s", "S", ["first text", "second text"], tables=[table, hidden])
    html = render_page("Report", "lead", ["a warning"], [section], ["a remark"])
    folded = "".join(re.findall(r"<details.*?</details>", html, re.DOTALL))
    for text in ("second text", "second note", "a remark", "folded cell"):
        assert text in folded
    for text in ("first text", "first note", "a warning", "lead"):
        assert text in html and text not in folded


def test_a_picture_is_part_of_the_page_and_a_cell_may_lead_elsewhere():
    plot = picture('"P"', b"\x89PNG", "caption", "p.png")
    table = Table("", [Cell("a")], [[Cell("run", link="../wine/run.html")]])
    html = render_page("R", "lead", [], [Section("s", "S", plots=[plot], tables=[table])])
    assert 'alt="&#34;P&#34;" src="data:image/png;base64,iVBORw=="' in html
    assert '<a href="../wine/run.html">run</a>' in html


def test_heads_of_numbers_are_over_them_and_not_styled_as_their_cells_are():
    table = Table("", [Cell("a"), Cell("b")], [[Cell("x", kind="quoted"), Cell("1", kind="number best")]])
    html = render_page("R", "lead", [], [Section("s", "S", tables=[table])])
    assert re.findall(r'<th scope="col"([^>]*)>', html) == ["", ' class="number"']
