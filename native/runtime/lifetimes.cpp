#include "runtime/lifetimes.h"

#include <algorithm>

#include "core/error.h"

namespace gyrus::runtime {
namespace {

struct Life {
  int first = -1, last = -1;
  void touch(int step) {
    if (first < 0) first = step;
    last = std::max(last, step);
  }
};

std::vector<Life> lives_of_values(const backend::LoweredGraph& graph) {
  std::vector<Life> lives(graph.values.size());
  for (std::size_t s = 0; s < graph.steps.size(); ++s) {
    const int step = static_cast<int>(s);
    for (const int v : graph.steps[s].reads) lives[static_cast<std::size_t>(v)].touch(step);
    for (const int v : graph.steps[s].writes) lives[static_cast<std::size_t>(v)].touch(step);
  }
  return lives;
}

}  // namespace

Lifetimes find_lifetimes(const backend::LoweredGraph& graph, const std::vector<bool>& is_planned,
                         const std::vector<bool>& lives_to_end, bool keeps_prologue) {
  const int end = static_cast<int>(graph.steps.size());
  std::vector<Life> lives = lives_of_values(graph);
  for (std::size_t v = 0; v < lives.size(); ++v) {
    if (lives_to_end[v] && lives[v].first >= 0) lives[v].last = end;
  }
  if (keeps_prologue) {
    for (const auto& step : graph.steps) {
      if (!step.is_prologue) continue;
      for (const int v : step.writes) lives[static_cast<std::size_t>(v)] = {0, end};
    }
  }

  Lifetimes result;
  result.interval_of_value.assign(graph.values.size(), -1);
  result.interval_of_scratch.assign(graph.steps.size(), -1);
  std::vector<bool> was_shared(graph.values.size(), false);
  const auto add = [&](std::int64_t bytes, Life life, int shares_with) {
    result.intervals.push_back({bytes, life.first, life.last, shares_with});
    return static_cast<int>(result.intervals.size()) - 1;
  };

  for (std::size_t s = 0; s < graph.steps.size(); ++s) {
    const backend::LoweredStep& step = graph.steps[s];
    if (const std::int64_t scratch = step.kernel ? step.kernel->scratch_bytes() : 0; scratch > 0) {
      result.interval_of_scratch[s] = add(scratch, {static_cast<int>(s), static_cast<int>(s)}, -1);
    }
    for (std::size_t w = 0; w < step.writes.size(); ++w) {
      const auto v = static_cast<std::size_t>(step.writes[w]);
      if (!is_planned[v] || result.interval_of_value[v] >= 0) continue;
      int shares_with = -1;
      for (const auto& share : step.may_share) {
        if (share.write != static_cast<int>(w) || shares_with >= 0) continue;
        const auto r = static_cast<std::size_t>(step.reads[static_cast<std::size_t>(share.read)]);
        const bool dies_here = lives[r].last == static_cast<int>(s) && lives[v].first == static_cast<int>(s);
        if (is_planned[r] && dies_here && !was_shared[r] && graph.values[r].bytes >= graph.values[v].bytes) {
          shares_with = result.interval_of_value[r];
          was_shared[r] = true;
        }
      }
      result.interval_of_value[v] = add(graph.values[v].bytes, lives[v], shares_with);
    }
  }
  return result;
}

}  // namespace gyrus::runtime
