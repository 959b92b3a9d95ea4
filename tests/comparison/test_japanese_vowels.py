import tidegate


def test_lstm_and_gru_with_defaults_reach_the_published_accuracy():
    """0.965: a recurrent reservoir on these recordings."""
    vowels = tidegate.load_japanese_vowels()
    comparison = tidegate.compare(
        vowels.X, vowels.y, test=(vowels.X_test, vowels.y_test), cells=("lstm", "gru"), progress=False
    )
    for cell in ("lstm", "gru"):
        assert comparison[cell].test_score.median >= 0.965
        assert len(comparison[cell].replicas) == 5
