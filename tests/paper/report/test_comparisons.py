def test_a_single_method_is_reported_without_comparisons(report, write):
    write("pdebench_burgers", "pare", 0, 0.2)
    page = report()["report.html"]
    assert "0.2 (1)" in page
    assert "No method shares a task and a seed with pare yet." in page
    assert "No two methods ran on the same task yet." in page
    assert "Simulated, not the publisher&#39;s files: pdebench_burgers." in page


def test_the_reference_may_be_what_was_not_run(report, write):
    write("pdebench_burgers", "finetune", 0, 0.2)
    write("pdebench_burgers", "from_scratch", 0, 0.3)
    assert "No method shares a task and a seed with pare yet." in report()["report.html"]
