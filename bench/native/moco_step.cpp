// One MoCo v3 training step of the engine, timed, without Node: what scripts/gpu-suite compares with PyTorch.
//   gyrus_moco_step ARCH BATCH f32|bf16 [cpu|cuda] [--channels N] [--image N] [--steps N] [--profile] [--losses N]
// prints one JSON object: seconds of a step (median, and the median of the distances from it), of the first step with
// everything that is prepared before it, what a step costs at least, the peak of device memory, and which way each kind
// of operation went. --profile prints the time of each kind of kernel as well, measured one by one. --losses prints the
// losses of N steps and nothing else: what two devices are compared by.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/memory_stats.h"
#include "core/philox.h"
#include "train/sessions.h"

namespace {

using Clock = std::chrono::steady_clock;
using gyrus::train::ContrastiveOptions;
using gyrus::train::ContrastiveSession;

constexpr int kWarmUp = 5;

struct Arguments {
  ContrastiveOptions options;
  int steps = 30, losses = 0;
  bool is_profile = false;
};

Arguments parse(const std::vector<std::string>& words) {
  GYRUS_CHECK(
      words.size() >= 3, gyrus::Code::invalid_argument,
      "usage: gyrus_moco_step ARCH BATCH f32|bf16 [cpu|cuda] [--channels N] [--image N] [--steps N] [--profile] "
      "[--losses N]");
  Arguments arguments;
  ContrastiveOptions& options = arguments.options;
  options.encoder = {.arch = words[0], .image_height = 224, .image_width = 224, .channels = 3};
  options.batch_size = std::stoll(words[1]);
  options.device.precision = words[2] == "bf16" ? gyrus::train::Precision::bf16 : gyrus::train::Precision::f32;
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (words[i] == "--channels") {
      options.encoder.channels = std::stoll(words.at(++i));
    } else if (words[i] == "--image") {
      options.encoder.image_height = options.encoder.image_width = std::stoll(words.at(++i));
    } else if (words[i] == "--losses") {
      arguments.losses = std::stoi(words.at(++i));
    } else if (words[i] == "--steps") {
      arguments.steps = std::stoi(words.at(++i));
    } else if (words[i] == "--profile") {
      arguments.is_profile = true;
    } else {
      options.device.device = words[i];
    }
  }
  return arguments;
}

std::vector<float> images(const ContrastiveOptions& options, std::uint64_t stream) {
  const auto& encoder = options.encoder;
  const std::int64_t count = options.batch_size * encoder.channels * encoder.image_height * encoder.image_width;
  std::vector<float> x(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = gyrus::Philox{1, stream}.uniform(i) * 2 - 1;
  return x;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print_kinds(const std::vector<gyrus::runtime::KernelTime>& times) {
  struct Sum {
    double seconds = 0, flops = 0, bytes = 0;
  };
  std::map<std::string, Sum> kinds;
  for (const auto& time : times) {
    Sum& sum = kinds[std::string(name_of(time.kind))];
    sum.seconds += time.seconds;
    sum.flops += time.work.flops;
    sum.bytes += time.work.bytes;
  }
  std::cout << ",\"kinds\":{";
  const char* comma = "";
  for (const auto& [name, sum] : kinds) {
    std::cout << comma << '"' << name << "\":{\"seconds\":" << sum.seconds << ",\"flops\":" << sum.flops
              << ",\"bytes\":" << sum.bytes << '}';
    comma = ",";
  }
  std::cout << '}';
}

std::string quoted(const std::string& words) {
  std::string json = "\"";
  for (const char c : words) {
    if (c == '"' || c == '\\') json += '\\';
    json += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return json + '"';
}

// How many operations of each kind went which way, and why: whether cuDNN computes what it should.
void print_ways(const std::vector<gyrus::runtime::KernelTime>& times) {
  std::map<std::tuple<std::string, std::string, std::string, bool, bool>, int> counts;
  for (const auto& time : times) {
    if (time.way.name.empty()) continue;
    ++counts[{std::string(name_of(time.kind)), time.way.name, time.way.why, time.way.is_refused, time.way.is_timed}];
  }
  std::cout << ",\"ways\":[";
  const char* comma = "";
  for (const auto& [key, count] : counts) {
    const auto& [kind, way, why, is_refused, is_timed] = key;
    std::cout << comma << "{\"kind\":" << quoted(kind) << ",\"way\":" << quoted(way) << ",\"why\":" << quoted(why)
              << ",\"isRefused\":" << (is_refused ? "true" : "false")
              << ",\"isTimed\":" << (is_timed ? "true" : "false") << ",\"count\":" << count << '}';
    comma = ",";
  }
  std::cout << ']';
}

void run(const Arguments& arguments) {
  const ContrastiveOptions& options = arguments.options;
  const std::vector<float> x1 = images(options, 1), x2 = images(options, 2);
  const gyrus::train::Stop stop{false};
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const auto start = Clock::now();
  const auto session = ContrastiveSession::create(options);
  // On a GPU the views of the next step travel while this one computes, as a loader's do.
  std::uint64_t ahead = 0;
  session->while_waiting([&] { ahead = session->prefetch(x1.data(), x2.data()); });
  const auto step = [&](std::vector<gyrus::runtime::KernelTime>* times) {
    const std::uint64_t prefetched = std::exchange(ahead, 0);
    return session->step(x1.data(), x2.data(), {.lr = 1e-4F, .momentum = 0.99F}, stop, times, prefetched);
  };
  if (arguments.losses > 0) {
    std::cout << "{\"losses\":[";
    for (int i = 0; i < arguments.losses; ++i) std::cout << (i > 0 ? "," : "") << step(nullptr).loss;
    std::cout << "]}\n";
    return;
  }
  float loss = step(nullptr).loss;
  const double first = seconds_since(start);
  std::vector<double> seconds;
  for (int i = 0; i < kWarmUp + arguments.steps; ++i) {
    const auto begin = Clock::now();
    loss = step(nullptr).loss;
    if (i >= kWarmUp) seconds.push_back(seconds_since(begin));
  }
  std::vector<gyrus::runtime::KernelTime> times;
  step(&times);
  double flops = 0, bytes = 0;
  for (const auto& time : times) {
    flops += time.work.flops;
    bytes += time.work.bytes;
  }
  const double middle = median(seconds);
  std::vector<double> distances;
  distances.reserve(seconds.size());
  for (const double value : seconds) distances.push_back(std::abs(value - middle));
  const auto info = session->info();
  const gyrus::MemoryStats memory = gyrus::memory_stats();
  std::cout << "{\"arch\":\"" << options.encoder.arch << "\",\"batch\":" << options.batch_size << ",\"precision\":\""
            << info.precision << "\",\"device\":\"" << info.device << "\",\"channels\":" << options.encoder.channels
            << ",\"seconds\":" << middle << ",\"mad\":" << median(distances) << ",\"firstStepSeconds\":" << first
            << ",\"flops\":" << flops << ",\"bytes\":" << bytes << ",\"arenaBytes\":" << info.arena_bytes
            << ",\"peakDeviceBytes\":" << memory.peak_device_bytes << ",\"loss\":" << loss;
  print_ways(times);
  if (arguments.is_profile) print_kinds(times);
  std::cout << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(parse({argv + 1, argv + argc}));
    return 0;
  } catch (const gyrus::Error& error) {
    std::cerr << gyrus::code_name(error.code()) << ": " << error.message() << '\n';
    return error.code() == gyrus::Code::cuda_unavailable ? 3 : error.code() == gyrus::Code::out_of_memory ? 4 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
