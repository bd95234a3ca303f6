import numpy as np

from pare.alignment import pseudo_labels


def three_groups():
    """Fields of 2 × 3 points in three well separated groups, and the groups."""
    rng = np.random.default_rng(0)
    groups = rng.integers(3, size=60)
    return rng.normal(size=(60, 2, 3)) * 0.1 + 10 * groups[:, None, None], groups


def same_partition(one, other):
    return len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(other.tolist()))


def test_clusters_are_the_groups_of_the_fields():
    fields, groups = three_groups()
    assert same_partition(pseudo_labels(lambda: iter([fields]), 3, seed=0), groups)


def test_blocks_one_at_a_time_find_the_same_groups():
    fields, groups = three_groups()
    labels = pseudo_labels(lambda: iter(np.split(fields, 3)), 3, seed=0)
    assert labels.shape == (60,)
    assert same_partition(labels, groups)


def test_points_without_a_truth_do_not_matter():
    fields, groups = three_groups()
    fields[:, 0, 0] = np.nan
    assert same_partition(pseudo_labels(lambda: iter([fields]), 3, seed=0), groups)


def test_there_are_no_more_clusters_than_samples():
    assert len(set(pseudo_labels(lambda: iter([np.eye(4)]), 10, seed=0))) == 4
