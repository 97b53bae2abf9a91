"""Which n-grams a text has: of words, whatever case and signs; of characters where words have no spaces."""

import numpy as np

from prune.encoders.ngram_counts import BUCKETS, MOST_CHARACTERS, ngram_counts


def of(*texts):
    return np.asarray(ngram_counts(list(texts)).sum(axis=1)).ravel().tolist()


def same(one, two):
    first, second = ngram_counts([one]), ngram_counts([two])
    return (first != second).nnz == 0


def test_words_and_pairs_of_words_are_counted():
    assert of("a", "a b", "a b a b", "") == [1, 3, 7, 0]
    counts = ngram_counts(["a b a b"])
    assert counts.shape == (1, BUCKETS)
    assert sorted(counts.data.tolist()) == [1, 2, 2, 2]  # b a; a, b and a b


def test_case_signs_and_spaces_make_no_difference_and_order_does():
    assert same("Fine, thank you!", "fine  THANK\tyou")
    assert not same("dog bites man", "man bites dog")


def test_a_sentence_without_spaces_is_not_one_word():
    assert of("我喜欢猫") == [7]  # four characters, three pairs
    assert of("猫と cats") == [5]


def test_what_lies_beyond_the_limit_is_not_looked_at():
    assert same("ab " * MOST_CHARACTERS, ("ab " * MOST_CHARACTERS)[:MOST_CHARACTERS])


def test_a_text_of_signs_alone_has_an_n_gram():
    assert of(":-)")[0] == 1
    assert not same(":-)", ":-(")
