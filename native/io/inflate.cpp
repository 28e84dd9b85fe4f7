#include "io/inflate.h"

#include "io/inflate/stream.h"

namespace gyrus::io {
namespace {

using inflate::Phase;
using inflate::Stream;

Stream open(const DeflateStream& stream, inflate::DecodeTables& tables) {
  const auto* const in = reinterpret_cast<const std::uint8_t*>(stream.packed.data());
  auto* const out = reinterpret_cast<std::uint8_t*>(stream.out.data());
  return {in, in + stream.packed.size(), out, out, out + stream.out.size(), 0, 0, Phase::header, false, &tables};
}

void run(Stream& s) {
  for (;;) {
    read_headers(s);
    if (s.phase != Phase::symbols) return;
    has_room(s) ? decode_fast(s) : decode_carefully(s);
  }
}

// As long as both have symbols to decode.
void run(Stream& first, Stream& second) {
  for (;;) {
    read_headers(first);
    read_headers(second);
    if (first.phase != Phase::symbols || second.phase != Phase::symbols) return;
    if (has_room(first) && has_room(second)) {
      decode_fast(first, second);
    } else {
      decode_carefully(first);
      decode_carefully(second);
    }
  }
}

Inflated result(const Stream& s, const DeflateStream& stream) {
  const std::size_t ahead = s.count / 8;  // whole bytes that were read but not used
  return {s.phase == Phase::done,
          static_cast<std::size_t>(s.in - reinterpret_cast<const std::uint8_t*>(stream.packed.data())) - ahead,
          static_cast<std::size_t>(s.out - s.out_begin)};
}

}  // namespace

struct Inflater::State {
  std::array<inflate::DecodeTables, 2> tables;
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;

bool Inflater::is_supported() { return __builtin_cpu_supports("bmi2") != 0; }

std::array<Inflated, 2> Inflater::inflate(const DeflateStream& first, const DeflateStream& second) {
  Stream a = open(first, state_->tables[0]), b = open(second, state_->tables[1]);
  run(a, b);
  run(a);
  run(b);
  return {result(a, first), result(b, second)};
}

}  // namespace gyrus::io
