// Sums of a table's rows: of a category its row, of a bag of words theirs, of a sparse vector the product with the table.
// The work is that of the entries, whatever the number of columns, and an update changes the rows alone that were read:
// docs/decisions/0016-an-update-changes-the-rows-it-read.md.
#pragma once

#include "input.h"

namespace tidegate {

template <class T>
class EmbeddingNode final : public Node<T> {
 public:
  // The table is (columns of the source, size).
  EmbeddingNode(SparseInputNode<T>* source, long size, long first_parameter)
      : Node<T>(size, source->value.per_step), source_(source), table_(first_parameter) {
    this->value.stream = source->value.stream;
  }

  static long num_parameters(long input_size, long size) { return input_size * size; }

  // Of some 100 us of arithmetic on.
  double operations_to_share(const Batch& batch) const override {
    constexpr double kFewest = 2e6;
    long entries = 0;
    source_->for_rows(batch, 0, this->value.rows(batch), [&](long, long from) { entries += source_->data.offsets[from + 1] - source_->data.offsets[from]; });
    const double operations = 2.0 * static_cast<double>(entries * this->value.size);
    return operations > kFewest ? operations : 0;
  }

  void pack(const T* parameters, bool /*backward*/, Team& /*team*/) override { weights_ = parameters + table_; }

  void forward(Pass<T>& pass) override {
    const long rows = this->value.rows(pass.batch), size = this->value.size, stride = this->value.stride;
    const SparseRows<T>& data = source_->data;
    T* out = this->value.data.resize(rows * stride);
    pass.for_row_shares(rows, [&](long begin, long end) {
      source_->for_rows(pass.batch, begin, end, [&](long row, long from) {
        T* sum = out + row * stride;
        std::fill_n(sum, stride, T(0));
        for (std::int64_t i = data.offsets[from]; i < data.offsets[from + 1]; ++i) {
          const T* weights = weights_ + data.columns[i] * size;
          const T factor = data.values ? data.values[i] : T(1);
          for (long j = 0; j < size; ++j) sum[j] += factor * weights[j];
        }
      });
    });
  }

  Range table() const { return {table_, table_ + num_parameters(source_->value.size, this->value.size)}; }
  // What has a gradient: rows that were read since forget_rows(), in the order of the first reading, as parameters.
  const std::vector<Range>& rows_read() const { return read_; }

  // Ahead of a way back, whose windows of time all add to the same rows.
  void forget_rows(T* gradients) {
    const long size = this->value.size;
    for (const Range& rows : read_) {
      std::fill_n(gradients + rows.begin, rows.size(), T(0));
      std::fill_n(is_read_.begin() + (rows.begin - table_) / size, rows.size() / size, char(0));
    }
    read_.clear();
    gradient_ = gradients + table_;
  }

  // Adds to the gradient of the rows that the batch reads. Every thread goes through all entries and adds up some units, so
  // that sums have one order.
  void backward(Pass<T>& pass) override {
    if (!this->value.has_gradient) return;
    const long rows = this->value.rows(pass.batch), size = this->value.size, stride = this->value.stride;
    const SparseRows<T>& data = source_->data;
    is_read_.resize(source_->value.size, 0);
    source_->for_rows(pass.batch, 0, rows, [&](long, long from) {
      for (std::int64_t i = data.offsets[from]; i < data.offsets[from + 1]; ++i)
        if (!is_read_[data.columns[i]]) add_row(data.columns[i]);
    });
    const T* gradient = this->value.gradient.data();
    pass.team->run([&](int thread, int count) {
      const Range units = share(size, thread, count, 64 / static_cast<long>(sizeof(T)));
      if (units.size() == 0) return;
      source_->for_rows(pass.batch, 0, rows, [&](long row, long from) {
        const T* g = gradient + row * stride;
        for (std::int64_t i = data.offsets[from]; i < data.offsets[from + 1]; ++i) {
          T* to = gradient_ + data.columns[i] * size;
          const T factor = data.values ? data.values[i] : T(1);
          for (long j = units.begin; j < units.end; ++j) to[j] += factor * g[j];
        }
      });
    });
  }

 private:
  void add_row(long row) {
    const long size = this->value.size, begin = table_ + row * size;
    if (!read_.empty() && read_.back().end == begin) read_.back().end += size;
    else read_.push_back({begin, begin + size});
    is_read_[row] = 1;
  }

  SparseInputNode<T>* source_;
  long table_;
  const T* weights_ = nullptr;
  T* gradient_ = nullptr;  // of the table, zero but in
  std::vector<Range> read_;
  std::vector<char> is_read_;  // (rows of the table,)
};

}  // namespace tidegate
