"""What all runs together say: results beside the paper's, comparisons of methods, and a page to read them on."""
