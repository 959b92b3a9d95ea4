// The core tested without Python, wherever a C++ compiler reaches: each part against a scalar oracle of a few lines,
// each cell's gradients against differences of its loss. Prints a line a section; exit code 1 where a check fails.
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "network.h"

namespace tidegate {
namespace {

using Oracle = long double;

// One section: what is compared, counted, and the worst error as a share of what is allowed.
class Section {
 public:
  static inline int failures = 0;

  explicit Section(std::string name) : name_(std::move(name)) {}
  ~Section() {
    std::printf("%-30s %9ld checks, worst error %.2f of the allowed\n", name_.c_str(), checks_, worst_);
  }
  Section(const Section&) = delete;

  // |got - expected| <= allowed.
  void near(Oracle got, Oracle expected, Oracle allowed, const std::string& what) {
    const double share = static_cast<double>(std::abs(got - expected) / allowed);
    if (!(share <= 1)) fail(what + ": got " + std::to_string(got) + ", expected " + std::to_string(expected));
    else worst_ = std::max(worst_, share);
    ++checks_;
  }
  void holds(bool condition, const std::string& what) {
    if (!condition) fail(what);
    ++checks_;
  }

 private:
  void fail(const std::string& what) {
    if (++failures <= 20) std::printf("FAILED %s: %s\n", name_.c_str(), what.c_str());
  }

  std::string name_;
  long checks_ = 0;
  double worst_ = 0;
};

template <class T>
std::string type_name() {
  return sizeof(T) == 4 ? "float32" : "float64";
}

// Numbers in [-1, 1), the first of them `offset` elements after a cache line: rows that start at any place.
template <class T>
class Numbers {
 public:
  Numbers(long count, unsigned seed, int offset = 0) : memory_(count + offset), data_(memory_.data() + offset), size_(count) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<double> draw(-1, 1);
    for (long i = 0; i < count; ++i) data_[i] = static_cast<T>(draw(engine));
  }
  T* data() { return data_; }
  const T* data() const { return data_; }
  long size() const { return size_; }
  T& operator[](long i) { return data_[i]; }
  const T& operator[](long i) const { return data_[i]; }

 private:
  Buffer<T> memory_;
  T* data_;
  long size_;
};

// A sum of `terms` products, as computed in T and in any order: its terms' magnitudes times epsilon, once a term.
template <class T>
struct Sum {
  Oracle value = 0, magnitude = 0;
  long terms = 1;
  void add(Oracle a, Oracle b) {
    value += a * b;
    magnitude += std::abs(a * b);
    ++terms;
  }
  Oracle allowed() const { return std::numeric_limits<T>::epsilon() * magnitude * terms + std::numeric_limits<T>::min(); }
};

template <class T>
std::vector<long> around_the_width() {
  constexpr long W = kWidth<T>;
  return {1, 2, 3, W - 1, W, W + 1, 2 * W - 1, 2 * W + 1, 4 * W, 4 * W + 1, 31, 61};
}

// ---- vectors ----

template <class T>
void test_functions() {
  Section section("functions " + type_name<T>());
  constexpr int W = kWidth<T>;
  const T epsilon = std::numeric_limits<T>::epsilon(), smallest = std::numeric_limits<T>::min();
  std::vector<T> points = {0, 1, -1};
  for (double exponent = std::log10(static_cast<double>(smallest)) + 2; exponent < 3; exponent += 0.01)
    for (const double sign : {1.0, -1.0}) points.push_back(static_cast<T>(sign * std::pow(10.0, exponent)));
  for (double x = 0; x < 90; x += 0.03)
    for (const double sign : {1.0, -1.0}) points.push_back(static_cast<T>(sign * x));
  while (points.size() % W) points.push_back(0);
  for (std::size_t i = 0; i < points.size(); i += W) {
    T hyperbolic[W], logistic[W], falling[W];
    store(hyperbolic, tanh(load<T>(points.data() + i)));
    store(logistic, sigmoid(load<T>(points.data() + i)));
    store(falling, decay<T>(load<T>(points.data() + i)));
    for (int j = 0; j < W; ++j) {
      const T x = points[i + j];
      const Oracle y = std::tanh(static_cast<Oracle>(x)), z = 1 / (1 + std::exp(-static_cast<Oracle>(x)));
      section.near(hyperbolic[j], y, 4 * epsilon * std::abs(y) + smallest, "tanh " + std::to_string(x));
      const Oracle d = std::exp(-std::max<Oracle>(0, x));
      if (x < ExpConstants<T>::kLimit - 1) section.near(falling[j], d, 4 * epsilon * d, "decay " + std::to_string(x));
      if (x > -ExpConstants<T>::kLimit + 1) section.near(logistic[j], z, 4 * epsilon * z, "sigmoid " + std::to_string(x));
    }
  }
  const T nan = std::numeric_limits<T>::quiet_NaN();
  section.holds(std::isnan(tanh(broadcast(nan))[0]) && std::isnan(sigmoid(broadcast(nan))[0]) &&
                    std::isnan(decay<T>(broadcast(nan))[0]), "NaN stays NaN");
}

// ---- product ----

template <class T, bool kTransposed>
void test_tiles(Section& section) {
  constexpr int W = kWidth<T>;
  for (int vectors = 1; vectors <= kTileVectors; ++vectors)
    for (int rows = 1; rows <= tile_rows(vectors); ++rows)
      for (const long size : {0L, 1L, 2L, 7L, static_cast<long>(W) + 1, 97L})
        for (const int offset : {0, 1}) {
          const long lda = kTransposed ? rows + 3 : size + 3, row_of_b = vectors * W + 1, ldc = vectors * W + 5;
          const Numbers<T> a((kTransposed ? size : rows) * lda + 1, 1, offset), b(size * row_of_b + 1, 2, offset);
          std::vector<T> panel(static_cast<std::size_t>(size * vectors * W));
          for (long k = 0; k < size; ++k) pack_row(b.data() + k * row_of_b, vectors * W, panel.data(), vectors, size, k);
          const Numbers<T> initial(rows * ldc, 3, offset);
          for (const bool from_zero : {false, true}) {
            Numbers<T> c(rows * ldc, 4, offset);
            const Numbers<T> before(rows * ldc, 4, offset);
            const Segments summed = kTransposed || size % 2 ? Segments{size} : Segments{size / 2, 2, size / 2};
            tile_for<T, kTransposed>(rows, vectors)(summed, a.data(), lda, kTransposed ? b.data() : panel.data(),
                                                    kTransposed ? row_of_b : slice_vectors(vectors) * W * size,
                                                    from_zero ? nullptr : initial.data(), ldc, c.data(), ldc);
            for (long r = 0; r < rows; ++r)
              for (long j = 0; j < ldc; ++j) {
                if (j >= vectors * W) {
                  section.holds(c[r * ldc + j] == before[r * ldc + j], "a tile writes beside itself");
                  continue;
                }
                Sum<T> sum;
                if (!from_zero) sum.add(initial[r * ldc + j], 1);
                for (long k = 0; k < size; ++k) sum.add(a[kTransposed ? k * lda + r : r * lda + k], b[k * row_of_b + j]);
                section.near(c[r * ldc + j], sum.value, sum.allowed(),
                             "tile " + std::to_string(rows) + " x " + std::to_string(vectors) + ", " + std::to_string(size) + " terms");
              }
          }
        }
}

// Rows [begin, end) of b (size, columns) by panels of `panels`.
template <class T>
std::vector<T> packed_by_panels(const Numbers<T>& b, long begin, long end, long columns, const Panels& panels) {
  const long depth = end - begin;
  std::vector<T> packed(static_cast<std::size_t>(panels.total_vectors() * kWidth<T> * depth));
  for (long p = 0; p < panels.count; ++p)
    for (long k = 0; k < depth; ++k)
      pack_row(b.data() + (begin + k) * columns + p * panels.stride, columns - p * panels.stride,
               packed.data() + p * panels.vectors * kWidth<T> * depth, panels.vectors_of(p), depth, k);
  return packed;
}

// Every place of a panel belongs to one vector, row and lane; a slice's rows follow one another.
template <class T>
void test_packed_vectors(Section& section) {
  constexpr int W = kWidth<T>;
  for (int vectors = 1; vectors <= kTileVectors; ++vectors)
    for (const long depth : {1L, 2L, 7L}) {
      std::vector<T> panel(static_cast<std::size_t>(vectors * W * depth));
      for (int v = 0; v < vectors; ++v)
        for (long k = 0; k < depth; ++k) *packed_vector(panel.data(), vectors, depth, v).at(k, v % W).data += 1;
      long seen = 0;
      for (const T place : panel) seen += place == T(1);
      section.holds(seen == vectors * depth, "packed vectors overlap");
      const int slice = slice_vectors(vectors);
      section.holds(vectors % slice == 0 && packed_vector(panel.data(), vectors, depth, 0).stride == slice * W, "a slice's rows");
    }
}

template <class T>
void test_products(Section& section) {
  for (const long rows : {1L, 2L, 13L, 97L, 193L})
    for (const long columns : around_the_width<T>())
      for (const long size : {1L, 7L, 64L, 97L}) {
        const Panels panels = plain_panels<T>(columns);
        const long stride = padded<T>(columns);
        const Numbers<T> a(rows * size, 1, 1), b(size * columns, 2), bias(stride, 3);
        Numbers<T> c(rows * stride, 4);
        const Numbers<T> before(rows * stride, 4);
        const long part = size / 2;  // in two parts: the second adds to the first
        const std::vector<T> first_part = packed_by_panels(b, 0, part, columns, panels);
        const std::vector<T> second_part = packed_by_panels(b, part, size, columns, panels);
        product<T>(rows, {a.data(), size}, {part}, first_part.data(), panels, {0, panels.count}, {bias.data(), 0}, {c.data(), stride});
        product<T>(rows, {a.data() + part, size}, {size - part}, second_part.data(), panels, {0, panels.count}, {c.data(), stride},
                   {c.data(), stride});
        for (long r = 0; r < rows; ++r)
          for (long j = 0; j < columns; ++j) {
            Sum<T> sum;
            sum.add(bias[j], 1);
            for (long k = 0; k < size; ++k) sum.add(a[r * size + k], b[k * columns + j]);
            section.near(c[r * stride + j], sum.value, sum.allowed(),
                         "product " + std::to_string(rows) + " x " + std::to_string(size) + " x " + std::to_string(columns));
          }
      }
}

template <class T>
void test_transposed_products(Section& section) {
  for (const long rows : {1L, 5L, 255L, 257L, 513L})
    for (const long size : {1L, 2L, 13L, 31L, 197L})  // the last: g is copied
      for (const long columns : around_the_width<T>())
        for (const int count : {1, 3}) {
          const long stride = padded<T>(columns);
          const Numbers<T> a(rows * size, 1, 1), g(rows * stride, 2);
          Numbers<T> c(size * stride, 3);
          for (int thread = 0; thread < count; ++thread)
            for (const bool accumulate : {false, true}) {  // of the first half of the rows, then of the others
              const long half = rows / 2, from = accumulate ? half : 0;
              transposed_product<T>(accumulate ? rows - half : half, share(size, thread, count), {a.data() + from * size, size},
                                    {g.data() + from * stride, stride}, plain_panels<T>(columns), {c.data(), stride}, accumulate);
            }
          for (long i = 0; i < size; ++i)
            for (long j = 0; j < columns; ++j) {
              Sum<T> sum;
              for (long r = 0; r < rows; ++r) sum.add(a[r * size + i], g[r * stride + j]);
              section.near(c[i * stride + j], sum.value, sum.allowed(), "transposed product over " + std::to_string(rows) + " rows");
            }
        }
}

template <class T>
void test_product() {
  Section section("product " + type_name<T>());
  test_tiles<T, false>(section);
  test_tiles<T, true>(section);
  test_packed_vectors<T>(section);
  test_products<T>(section);
  test_transposed_products<T>(section);
}

// ---- rows ----

template <class T>
void test_rows() {
  Section section("rows " + type_name<T>());
  constexpr long W = kWidth<T>;
  for (long size = 1; size <= 2 * W + 1; ++size) {
    const Numbers<T> from(size, 1, 1);
    const long width = padded<T>(size);
    std::vector<T> to(static_cast<std::size_t>(width + 1), T(7));
    copy_row(from.data(), size, to.data());
    for (long i = 0; i <= width; ++i)
      section.holds(to[static_cast<std::size_t>(i)] == (i < size ? from[i] : i < width ? T(0) : T(7)), "copy_row");
    to.assign(to.size(), T(7));
    copy_within(from.data(), size, to.data());
    for (long i = 0; i <= width; ++i) section.holds(to[static_cast<std::size_t>(i)] == (i < size ? from[i] : T(7)), "copy_within");
  }
  for (long count = 0; count <= W; ++count) {
    const Numbers<T> from(W, 1, 1);
    std::vector<T> to(static_cast<std::size_t>(W), T(7));
    store_first(to.data(), load<T>(from.data()), count);
    for (long i = 0; i < W; ++i) section.holds(to[static_cast<std::size_t>(i)] == (i < count ? from[i] : T(7)), "store_first");
  }
}

// ---- packing ----

template <class T>
void test_transpose() {
  Section section("transpose " + type_name<T>());
  constexpr long W = kWidth<T>;
  const Numbers<T> from(W * W, 1);
  for (long rows = 1; rows <= W; ++rows)
    for (long columns = 1; columns <= W; ++columns) {
      std::vector<int> written(static_cast<std::size_t>(W));
      transpose<T>(rows, columns, [&](long row) { return load<T>(from.data() + row * W); },
                   [&](long column, Vec<T> of_rows) {
                     ++written[static_cast<std::size_t>(column)];
                     for (int row = 0; row < W; ++row)
                       section.holds(of_rows[row] == (row < rows ? from[row * W + column] : T(0)), "a column of rows");
                   });
      for (long column = 0; column < W; ++column)
        section.holds(written[static_cast<std::size_t>(column)] == (column < columns ? 1 : 0), "columns written once");
    }
}

template <class T>
void test_packing() {
  Section section("packing " + type_name<T>());
  constexpr long W = kWidth<T>;
  for (const long hidden : around_the_width<T>())
    for (const long size : {1L, 7L, W + 1, 4 * W + 3})
      for (const int count : {1, 3, 4}) {
        const long stride = size + 2, from = 1;
        const Numbers<T> matrix(4 * hidden * stride, 1);
        const WeightBlocks blocks{0, stride, from, size, 0, count, {2, 0, 3, 1}};
        const auto weight = [&](int column, long unit, long k) {
          return matrix[(blocks.block[column] * hidden + unit) * stride + from + k];
        };
        Buffer<T> packed, transposed;
        packed.zero(blocks.packed_size<T>(hidden));
        transposed.zero(blocks.packed_transposed_size<T>(hidden));
        const long units = padded<T>(hidden) / W, cut = units / 2;
        for (const Range part : {Range{0, cut}, Range{cut, units}}) {
          pack(blocks, matrix.data(), hidden, part, packed.data());
          pack_transposed(blocks, matrix.data(), hidden, part, transposed.data());
        }
        const Panels panels = plain_panels<T>(size);
        const long total = padded<T>(hidden) * count;
        for (long unit = 0; unit < padded<T>(hidden); ++unit)
          for (int column = 0; column < count; ++column)
            for (long k = 0; k < panels.total_vectors() * W; ++k) {
              const T expected = unit < hidden && k < size ? weight(column, unit, k) : T(0);
              if (k < size)
                section.holds(*packed_vector(packed.data() + unit / W * size * count * W, count, size, column).at(k, unit % W).data ==
                                  expected, "pack");
              const long p = k / panels.stride, lanes = lanes_of<T>(hidden), rows = total / W * lanes;
              if (unit % W < lanes)
                section.holds(*packed_vector(transposed.data() + p * panels.vectors * W * rows, panels.vectors_of(p), rows,
                                             static_cast<int>(k % panels.stride / W))
                                   .at((unit / W * count + column) * lanes + unit % W, k % W).data == expected,
                              "pack_transposed");
            }
        // The gradient of a weight stands where the weight does: unpack undoes the rows of columns.
        const Numbers<T> gradient(size * total, 2), other(size * total, 3);  // of two groups of sequences
        std::vector<T> out(static_cast<std::size_t>(matrix.size()));
        for (const Range part : {Range{0, cut}, Range{cut, units}})
          unpack(blocks, hidden, part, count, total, {gradient.data(), other.data()}, 0, out.data());
        for (int column = 0; column < count; ++column)
          for (long unit = 0; unit < hidden; ++unit)
            for (long k = 0; k < size; ++k)
              section.holds(out[static_cast<std::size_t>((blocks.block[column] * hidden + unit) * stride + from + k)] ==
                                gradient[k * total + (unit / W * count + column) * W + unit % W] +
                                    other[k * total + (unit / W * count + column) * W + unit % W],
                            "unpack");
      }
}

// ---- threads ----

void test_threads() {
  Section section("threads");
  for (const int size : {1, 2, 3, 8}) {
    Team team(size);
    section.holds(team.size() == size, "the size of a team");
    for (int round = 0; round < 200; ++round)
      for (const int asked : {0, 1, 2, 5}) {
        const int expected = asked == 0 ? size : asked;
        std::vector<std::atomic<int>> done(static_cast<std::size_t>(expected));
        std::atomic<bool> same_count{true};
        team.run(
            [&](int share, int count) {
              if (count != expected) same_count = false;
              done[static_cast<std::size_t>(share)].fetch_add(1);
            },
            asked);
        bool once = same_count;
        for (const std::atomic<int>& times : done) once = once && times == 1;
        section.holds(once, "each share once, and all when run returns");
      }
  }
  for (const long total : {0L, 1L, 15L, 16L, 17L, 97L})
    for (const int count : {1, 2, 3, 8})
      for (const long step : {1L, 16L}) {
        long end = 0;
        bool whole = true;
        for (int thread = 0; thread < count; ++thread) {
          const Range part = share(total, thread, count, step);
          whole = whole && part.begin == end && part.end >= part.begin && (part.end == total || part.end % step == 0);
          end = part.end;
        }
        section.holds(whole && end == total, "shares are the whole, without gaps");
      }

  volatile float small = std::numeric_limits<float>::min(), half = 0.5f;
  {
    const FlushDenormals mode;
    section.holds(small * half == 0, "denormals are flushed while the mode lasts");
  }
  section.holds(small * half != 0, "and not after it");

  std::atomic<bool> flag{false};
  Interrupt interrupt(&flag, [] { return false; });
  interrupt.check();
  section.holds(!interrupt.requested(), "nothing was requested");
  flag = true;
  interrupt.check();
  section.holds(interrupt.requested(), "a flag is noticed at once");
}

// ---- cells ----

// A layer of one cell over ragged sequences with initial states, a mask, a multiplier and an update of each state and a
// product multiplier, and the squared error of the mean of its outputs.
template <class T>
class CellTrial {
 public:
  CellTrial(const std::string& cell, long num_states, long num_parameters, long hidden, bool reverse, int num_threads, std::vector<std::int64_t> lengths)
      : network_(num_parameters, num_threads), lengths_(std::move(lengths)), hidden_(hidden) {
    for (const std::int64_t length : lengths_) {
      starts_.push_back(rows_);
      order_.push_back(static_cast<std::int64_t>(order_.size()));
      rows_ += length;
    }
    const long x = network_.add_input(kInput, true);
    std::vector<long> multipliers, updates;
    for (long s = 0; s < num_states; ++s) {
      multipliers.push_back(network_.add_input(hidden, true));
      updates.push_back(network_.add_input(hidden, true));
    }
    layer_ = network_.add_recurrent({x}, cell, hidden, reverse, multipliers, updates, network_.add_input(hidden, true), 0);
    network_.add_loss(network_.add_pool(layer_, Pooling::kMean), LossKind::kMse, {});
    fill(network_.parameters(), num_parameters, 0.5, 1);
    values_.emplace_back(static_cast<std::size_t>(rows_ * kInput));
    for (long i = 0; i < 2 * num_states + 1; ++i) values_.emplace_back(static_cast<std::size_t>(rows_ * hidden));
    for (std::size_t i = 0; i < values_.size(); ++i) fill(values_[i].data(), static_cast<long>(values_[i].size()), 1, 2 + i);
    states_.resize(static_cast<std::size_t>(num_states * sequences() * hidden));
    fill(states_.data(), static_cast<long>(states_.size()), 1, 20);
    target_.resize(static_cast<std::size_t>(sequences() * hidden));
    fill(target_.data(), static_cast<long>(target_.size()), 1, 21);
    for (long row = 0; row < rows_; ++row) mask_.push_back(row % 5 != 3);
  }

  double loss() {
    network_.set_targets({Target<T>{target_.data(), nullptr, nullptr}});
    network_.set_batch({{starts_.data(), lengths_.data()}}, order_.data(), sequences());
    RecurrentNode<T>& layer = *network_.recurrent(layer_);
    for (long s = 0; s < layer.num_states; ++s) {
      T* rows = layer.states[s].zero(sequences() * layer.hidden_stride);
      for (long b = 0; b < sequences(); ++b)
        std::copy_n(states_.data() + (s * sequences() + network_.batch().sequence[b]) * hidden_, hidden_, rows + b * layer.hidden_stride);
    }
    layer.has_initial = true;
    Data<T> data{{}, {}, {{starts_.data(), lengths_.data()}}, mask_.data()};
    for (const std::vector<T>& values : values_) data.inputs.push_back(values.data());
    Interrupt interrupt(nullptr, [] { return false; });
    network_.forward(data, true, true, 0, interrupt);
    const LossSums sums = network_.loss_sums()[0];
    return sums.loss / sums.weight;
  }

  void backward() {
    Interrupt interrupt(nullptr, [] { return false; });
    network_.backward(interrupt);
  }

  std::vector<T> output() const {
    std::vector<T> rows(static_cast<std::size_t>(rows_ * hidden_));
    network_.scatter(layer_, rows.data());
    return rows;
  }

  // Calls visit(what, values, their gradients, how many), for all that the loss is differentiated by.
  template <class Visit>
  void for_gradients(Visit&& visit) {
    visit("parameters", network_.parameters(), std::vector<T>(network_.gradients(), network_.gradients() + network_.num_parameters()));
    for (std::size_t i = 0; i < values_.size(); ++i) {
      std::vector<T> gradient(values_[i].size());
      network_.scatter_gradient(static_cast<long>(i), gradient.data());
      visit(i == 0 ? "x" : "a node that acts on states", values_[i].data(), gradient);
    }
    const RecurrentNode<T>& layer = *network_.recurrent(layer_);
    std::vector<T> gradient(states_.size());
    for (long s = 0; s < layer.num_states; ++s)
      for (long b = 0; b < sequences(); ++b)
        std::copy_n(layer.state_gradients[s].data() + b * layer.hidden_stride, hidden_,
                    gradient.data() + (s * sequences() + network_.batch().sequence[b]) * hidden_);
    visit("initial states", states_.data(), gradient);
  }

 private:
  static constexpr long kInput = 3;
  long sequences() const { return static_cast<long>(lengths_.size()); }
  static void fill(T* to, long count, double scale, std::size_t seed) {
    const Numbers<double> numbers(count, static_cast<unsigned>(seed));
    for (long i = 0; i < count; ++i) to[i] = static_cast<T>(scale * numbers[i]);
  }

  Network<T> network_;
  std::vector<std::int64_t> starts_, lengths_, order_;
  long hidden_, rows_ = 0, layer_ = 0;
  std::vector<std::vector<T>> values_;
  std::vector<T> states_, target_;
  std::vector<std::uint8_t> mask_;
};

template <class Cell>
void test_cell() {
  Section section(std::string("cell ") + Cell::name);
  const auto trial = [&]<class T>(long hidden, bool reverse, int num_threads, std::vector<std::int64_t> lengths) {
    return CellTrial<T>(Cell::name, Cell::layout.num_states, RecurrentWeights<T, Cell>::num_parameters(3, hidden), hidden, reverse, num_threads,
                        std::move(lengths));
  };
  for (const bool reverse : {false, true})
    for (const long hidden : {1L, kWidth<double> + 1L}) {
      auto exact = trial.template operator()<double>(hidden, reverse, 1, {3, 5, 1});
      const double loss = exact.loss();
      const std::vector<double> output = exact.output();
      exact.backward();
      constexpr double kStep = 1e-5;
      exact.for_gradients([&](const char* what, double* values, const std::vector<double>& gradient) {
        for (std::size_t i = 0; i < gradient.size(); ++i) {
          const double before = values[i];
          values[i] = before + kStep;
          const double above = exact.loss();
          values[i] = before - kStep;
          const double below = exact.loss();
          values[i] = before;
          section.near(gradient[i], (above - below) / (2 * kStep), 1e-8, what);
        }
      });
      auto rounded = trial.template operator()<float>(hidden, reverse, 1, {3, 5, 1});
      section.near(rounded.loss(), loss, 1e-5, "loss in float32");
      const std::vector<float> near = rounded.output();
      for (std::size_t i = 0; i < near.size(); ++i) section.near(near[i], output[i], 1e-5, "output in float32");
    }

  // Enough steps for all threads; then nothing depends on how many they are.
  std::vector<std::int64_t> lengths;
  for (int i = 0; i < 40; ++i) lengths.push_back(1 + (i * 7) % 41);
  auto alone = trial.template operator()<float>(61, false, 1, lengths), together = trial.template operator()<float>(61, false, 3, lengths);
  section.holds(alone.loss() == together.loss() && alone.output() == together.output(), "three threads, the same bits");
  alone.backward();
  together.backward();
  std::vector<std::vector<float>> one, three;
  alone.for_gradients([&](const char*, float*, const std::vector<float>& gradient) { one.push_back(gradient); });
  together.for_gradients([&](const char*, float*, const std::vector<float>& gradient) { three.push_back(gradient); });
  section.holds(one == three, "three threads, the same bits of gradients");
}

template <class... Cells>
void test_cells(CellList<Cells...>) {
  (test_cell<Cells>(), ...);
}

int run() {
  std::printf("vectors of %d bytes, %d registers\n", kVectorBytes, kVectorRegisters);
  test_functions<float>();
  test_functions<double>();
  test_product<float>();
  test_product<double>();
  test_rows<float>();
  test_rows<double>();
  test_transpose<float>();
  test_transpose<double>();
  test_packing<float>();
  test_packing<double>();
  test_threads();
  test_cells(EngineCells{});
  std::printf(Section::failures ? "%d checks failed\n" : "all checks passed\n", Section::failures);
  return Section::failures ? 1 : 0;
}

}  // namespace
}  // namespace tidegate

int main() { return tidegate::run(); }
