"""Models of libraries, a file for each; they come with the extra ``baselines``, imported when they are used."""
