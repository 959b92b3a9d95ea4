// Which steps a batch computes, and where each stands in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace tidegate {

// Sequences of one batch, the longest first. Their steps are laid out time-major without gaps: the rows of step t are
// [first[t], first[t] + active[t]), row b of them belonging to the b-th longest sequence. Nothing stands for padding.
class Batch {
 public:
  long num_sequences = 0, num_steps = 0, max_length = 0;
  std::vector<long> sequence;  // (num_sequences,) index in the data of the b-th longest
  std::vector<long> position;  // (num_sequences,) its place in the order that was asked for
  std::vector<long> start;     // (num_sequences,) its first row in the data
  std::vector<long> length;    // (num_sequences,)
  std::vector<long> active;    // (max_length,) sequences that have a step t
  std::vector<long> first;     // (max_length,) row of step t of the longest sequence

  // starts, lengths: of the whole data. indices: the batch, in any order; ties in length keep that order.
  void set(const std::int64_t* starts, const std::int64_t* lengths, const std::int64_t* indices, long count) {
    num_sequences = count;
    position.resize(count);
    std::iota(position.begin(), position.end(), 0L);
    std::stable_sort(position.begin(), position.end(),
                     [&](long a, long b) { return lengths[indices[a]] > lengths[indices[b]]; });
    sequence.resize(count);
    start.resize(count);
    length.resize(count);
    num_steps = 0;
    for (long b = 0; b < count; ++b) {
      sequence[b] = indices[position[b]];
      start[b] = starts[sequence[b]];
      length[b] = lengths[sequence[b]];
      num_steps += length[b];
    }
    max_length = count ? length[0] : 0;
    active.resize(max_length);
    first.resize(max_length);
    for (long t = 0, b = count, row = 0; t < max_length; ++t) {
      while (length[b - 1] <= t) --b;
      active[t] = b;
      first[t] = row;
      row += b;
    }
  }

  // Row of step t of the b-th longest sequence.
  long row(long t, long b) const { return first[t] + b; }

  // Calls visit(row, b, t) for the rows of [begin, end).
  template <class Visit>
  void for_rows(long begin, long end, Visit&& visit) const {
    if (begin >= end) return;
    long t = std::upper_bound(first.begin(), first.end(), begin) - first.begin() - 1;
    for (long row = begin; row < end; ++row) {
      while (t + 1 < max_length && first[t + 1] <= row) ++t;
      visit(row, row - first[t], t);
    }
  }
};

}  // namespace tidegate
