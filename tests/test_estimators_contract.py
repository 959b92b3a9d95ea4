"""scikit-learn's own checks of an estimator, with the reason for each that cannot hold for sequences."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from tidegate import SequenceClassifier, SequenceRegressor

COLUMNS_ARE_STEPS = "a table (N, T) is N sequences of T steps of one feature, and any T fits"
OWN_WORDS = "refused, in our words"
EXPECTED_FAILURES = {
    "check_n_features_in": COLUMNS_ARE_STEPS,
    "check_n_features_in_after_fitting": COLUMNS_ARE_STEPS,
    "check_classifiers_train": COLUMNS_ARE_STEPS,
    "check_sample_weight_equivalence_on_dense_data": "holds in full batches; a batch counts rows",
    "check_supervised_y_2d": "a column of targets is one target a sequence: nothing to warn of",
    "check_dtype_object": "X is converted by the user, so that no text becomes a number unseen",
    "check_complex_data": OWN_WORDS,
    "check_estimators_empty_data_messages": OWN_WORDS,
    "check_estimator_sparse_tag": OWN_WORDS,
    "check_estimator_sparse_array": OWN_WORDS,
    "check_estimator_sparse_matrix": OWN_WORDS,
    "check_fit2d_1sample": OWN_WORDS,
    "check_fit2d_predict1d": OWN_WORDS,
}
OPTIONS = {"hidden_size": 8, "max_epochs": 30, "learning_rate": 0.02, "random_state": 0, "num_threads": 1}


@parametrize_with_checks(
    [SequenceClassifier(**OPTIONS), SequenceRegressor(**OPTIONS)],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
