#include "io/inflate.h"

#include <libdeflate.h>

#include "io/inflate/stream.h"

namespace gyrus::io {
namespace {

using inflate::DecodeTables;
using inflate::Phase;
using inflate::Stream;

// A stream with the checksum of what came out of it so far: taken block by block, while it is still in the cache.
struct Checked {
  Stream stream;
  const std::uint8_t* behind;  // what is in the checksum
  std::uint32_t crc = 0;

  Checked(const DeflateStream& of, DecodeTables& tables) : stream(open(of, tables)), behind(stream.out_begin) {}

  static Stream open(const DeflateStream& of, DecodeTables& tables) {
    const auto* const in = reinterpret_cast<const std::uint8_t*>(of.packed.data());
    auto* const out = reinterpret_cast<std::uint8_t*>(of.out.data());
    return {in, in + of.packed.size(), out, out, out + of.out.size(), 0, 0, Phase::header, false, &tables};
  }

  bool has_symbols() {
    read_headers(stream);
    crc = libdeflate_crc32(crc, behind, static_cast<std::size_t>(stream.out - behind));
    behind = stream.out;
    return stream.phase == Phase::symbols;
  }

  Inflated result(const DeflateStream& of) const {
    const std::size_t ahead = stream.count / 8;  // whole bytes that were read but not used
    return {stream.phase == Phase::done,
            static_cast<std::size_t>(stream.in - reinterpret_cast<const std::uint8_t*>(of.packed.data())) - ahead,
            static_cast<std::size_t>(stream.out - stream.out_begin), crc};
  }
};

void run(Checked& one) {
  Stream& s = one.stream;
  while (one.has_symbols()) has_room(s) ? decode_fast(s) : decode_carefully(s);
}

// As long as both have symbols to decode.
void run(Checked& first, Checked& second) {
  Stream &a = first.stream, &b = second.stream;
  while (first.has_symbols() && second.has_symbols()) {
    if (has_room(a) && has_room(b)) {
      decode_fast(a, b);
    } else {
      decode_carefully(a);
      decode_carefully(b);
    }
  }
}

}  // namespace

struct Inflater::State {
  std::array<DecodeTables, 2> tables;
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;

bool Inflater::is_supported() { return __builtin_cpu_supports("bmi2") != 0; }

Inflated Inflater::inflate(const DeflateStream& stream) {
  Checked own(stream, state_->tables[0]);
  run(own);
  return own.result(stream);
}

std::array<Inflated, 2> Inflater::inflate(const DeflateStream& first, const DeflateStream& second) {
  Checked a(first, state_->tables[0]), b(second, state_->tables[1]);
  run(a, b);
  run(a);
  run(b);
  return {a.result(first), b.result(second)};
}

}  // namespace gyrus::io
