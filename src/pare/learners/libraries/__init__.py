"""Models of libraries, a file for each library; they come with the extra ``baselines``, imported when they are used."""
