"""Results of all runs next to the paper's, comparisons of methods, and a page to read them on."""
