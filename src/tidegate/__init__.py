"""LSTM, GRU and their relatives on real sequences, trained and compared by a native CPU engine."""
