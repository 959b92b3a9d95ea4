// Which steps a batch computes, and where each stands in memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "threads.h"

namespace tidegate {

// Sequences that are computed together, the longest first. Their steps are laid out time-major without gaps: the rows
// of step t are [first[t], first[t] + active[t]), row b of them belonging to the group's b-th longest sequence.
struct Group {
  long first_sequence = 0, num_sequences = 0;  // among the sequences of the batch
  Range rows{0, 0};                            // of the batch
  long max_length = 0;
  std::vector<long> active;  // (max_length,) sequences that have a step t
  std::vector<long> first;   // (max_length + 1,) row of step t of the longest sequence; last, the end of the rows
  std::vector<long> chunks;  // steps that bound its chunks: of kChunkRows rows or a step more, but the last
};

inline constexpr long kChunkRows = 256;

// Of a batch of `count` sequences: a group for each sixteen, from two to eight; fewer than twelve are one, since halves
// of them would fill their tiles badly.
constexpr long most_groups(long count) { return count < 12 ? 1 : std::clamp(count / 16, 2L, 8L); }

// Sequences of one batch in groups, each with rows of its own one after the other. Nothing stands for padding. A group
// is what one thread computes at a time, and the sums over rows are made group by group: so the groups follow from the
// batch alone, whatever the number of threads.
//
// Its steps are those of whole sequences or of one window of time, in which a sequence that has ended has none.
class Batch {
 public:
  long num_sequences = 0, num_steps = 0;
  long first_step = 0;  // of every sequence: where the window begins
  std::vector<Group> groups;
  std::vector<long> sequence;      // (num_sequences,) index in the data
  std::vector<long> start;         // (num_sequences,) its first row in the data, of those in the window
  std::vector<long> length;        // (num_sequences,) its steps in the window
  std::vector<long> whole_length;  // (num_sequences,) all its steps
  std::vector<long> place;         // (num_sequences,) its row in values per sequence; and the sequence of each such row
  std::vector<long> of_place;

  // starts, lengths: of the whole data. indices: the batch, in any order; ties in length keep that order. most: steps of
  // the window that it is at first.
  void set(const std::int64_t* starts, const std::int64_t* lengths, const std::int64_t* indices, long count,
           long num_groups, long most = std::numeric_limits<long>::max()) {
    num_sequences = count;
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), 0L);
    const auto longer = [&](long a, long b) { return lengths[indices[a]] > lengths[indices[b]]; };
    if (!std::is_sorted(order_.begin(), order_.end(), longer))  // a sort asks for memory
      std::stable_sort(order_.begin(), order_.end(), longer);
    for (std::vector<long>* of_sequences : {&sequence, &start, &length, &whole_length, &group_of_, &index_}) of_sequences->resize(count);
    groups.resize(num_groups);
    long next = 0;
    for (long g = 0; g < num_groups; ++g) {
      Group& group = groups[g];
      group.first_sequence = next;
      for (long b = g; b < count; b += num_groups, ++next) {  // every n-th: long and short ones in each group
        index_[next] = order_[b];
        sequence[next] = indices[order_[b]];
        start[next] = starts[sequence[next]];
        whole_length[next] = lengths[sequence[next]];
        group_of_[next] = g;
      }
      group.num_sequences = next - group.first_sequence;
    }
    place.resize(count);
    std::iota(place.begin(), place.end(), 0L);
    of_place = place;
    first_step = 0;
    set_window(0, most);
  }

  long longest() const { return num_sequences ? *std::max_element(whole_length.begin(), whole_length.end()) : 0; }

  // Whether a sequence has its last step in the window.
  bool ends(long b) const { return length[b] > 0 && first_step + length[b] == whole_length[b]; }

  // From now on the steps [first, first + most) of every sequence, as far as it has them.
  void set_window(long first, long most) {
    long row = 0;
    for (Group& group : groups) {
      group.rows.begin = row;
      for (long b = group.first_sequence; b < group.first_sequence + group.num_sequences; ++b) {
        start[b] += first - first_step;
        length[b] = std::clamp(whole_length[b] - first, 0L, most);
      }
      const long* lengths_of_group = length.data() + group.first_sequence;
      group.max_length = group.num_sequences ? lengths_of_group[0] : 0;
      group.active.resize(group.max_length);
      group.first.resize(group.max_length + 1);
      group.chunks.assign(1, 0);
      long chunk_row = row;
      for (long t = 0, b = group.num_sequences; t < group.max_length; ++t) {
        while (lengths_of_group[b - 1] <= t) --b;
        group.active[t] = b;
        group.first[t] = row;
        row += b;
        if (row - chunk_row >= kChunkRows || t + 1 == group.max_length) {
          group.chunks.push_back(t + 1);
          chunk_row = row;
        }
      }
      group.first[group.max_length] = row;
      group.rows.end = row;
    }
    num_steps = row;
    first_step = first;
  }

  // Of another stream of the same sequences: values per sequence stand in the order of the first stream.
  void follow(const Batch& first) {
    std::vector<long>& row = order_;  // by place in the indices, no longer needed for lengths
    row.resize(num_sequences);
    for (long b = 0; b < num_sequences; ++b) row[first.index_[b]] = b;
    for (long b = 0; b < num_sequences; ++b) {
      place[b] = row[index_[b]];
      of_place[place[b]] = b;
    }
  }

  // Row of step t of sequence b.
  long row(long t, long b) const {
    const Group& group = groups[group_of_[b]];
    return group.first[t] + b - group.first_sequence;
  }

  // Calls visit(row, b, t) for the rows of [begin, end).
  template <class Visit>
  void for_rows(long begin, long end, Visit&& visit) const {
    for_steps(begin, end, [&](long row, long b, long t, long count) {
      for (long i = 0; i < count; ++i) visit(row + i, b + i, t);
    });
  }

  // Calls visit(row, b, t, count) for the rows of [begin, end), those of one step of a group at a time: of sequences
  // [b, b + count).
  template <class Visit>
  void for_steps(long begin, long end, Visit&& visit) const {
    for (const Group& group : groups) {
      const long last = std::min(end, group.rows.end);
      long row = std::max(begin, group.rows.begin);
      if (row >= last) continue;
      long t = std::upper_bound(group.first.begin(), group.first.end(), row) - group.first.begin() - 1;
      for (; row < last; ++t) {
        const long next = std::min(last, group.first[t + 1]);
        visit(row, group.first_sequence + row - group.first[t], t, next - row);
        row = next;
      }
    }
  }

 private:
  std::vector<long> order_, group_of_, index_;
};

}  // namespace tidegate
