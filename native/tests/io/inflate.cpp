// Deflate streams, two at once: every kind of block, long and short codes, distances at the window's edge and below a
// copy's size, streams of different length, room to the byte; truncated and damaged ones.
#include "io/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

// Bits in the order of RFC 1951, 3.1.1, for streams that zlib would not write.
class BitString {
 public:
  BitString& put(unsigned value, int count) {
    for (int i = 0; i < count; ++i, ++bits_) {
      if (bits_ % 8 == 0) bytes_ += '\0';
      bytes_.back() = static_cast<char>(bytes_.back() | (value >> i & 1) << bits_ % 8);
    }
    return *this;
  }
  // Huffman codes begin with their highest bit.
  BitString& code(unsigned value, int count) {
    for (int i = count; i-- > 0;) put(value >> i & 1, 1);
    return *this;
  }
  // A symbol of the fixed code, RFC 1951, 3.2.6.
  BitString& fixed(unsigned symbol) {
    if (symbol < 144) return code(0x30 + symbol, 8);
    if (symbol < 256) return code(0x190 + symbol - 144, 9);
    return symbol < 280 ? code(symbol - 256, 7) : code(0xc0 + symbol - 280, 8);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  int bits_ = 0;
};

class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t end) { return ((state_ = state_ * 1664525 + 1013904223) >> 8) % end; }

 private:
  std::uint32_t state_;
};

std::string deflate_image(std::string_view text, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy) != Z_OK) throw std::bad_alloc();
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::bad_alloc();
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

struct Outcome {
  io::Inflated inflated;
  std::string out;
};

// From memory of exactly its size, so that AddressSanitizer sees a byte beyond.
Outcome inflate_alone(std::string_view packed, std::size_t room) {
  const std::vector<char> in(packed.begin(), packed.end());
  std::vector<char> out(room, '?');
  const auto result = io::Inflater().inflate({std::as_bytes(std::span(in)), std::as_writable_bytes(std::span(out))});
  return {result, {out.begin(), out.end()}};
}

std::array<Outcome, 2> inflate_both(std::string_view first, std::size_t first_room, std::string_view second,
                                    std::size_t second_room) {
  const std::vector<char> a(first.begin(), first.end()), b(second.begin(), second.end());
  std::vector<char> c(first_room, '?'), d(second_room, '?');
  const auto results = io::Inflater().inflate({std::as_bytes(std::span(a)), std::as_writable_bytes(std::span(c))},
                                              {std::as_bytes(std::span(b)), std::as_writable_bytes(std::span(d))});
  return {Outcome{results[0], {c.begin(), c.end()}}, Outcome{results[1], {d.begin(), d.end()}}};
}

std::uint32_t crc_of(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<z_size_t>(text.size())));
}

bool is_text(const Outcome& outcome, std::string_view packed, std::string_view text) {
  const auto& [is_whole, taken, made, crc] = outcome.inflated;
  return is_whole && taken == packed.size() && made == text.size() && outcome.out == text && crc == crc_of(text);
}

// As of noisy images: two bytes a number, the higher hardly varying.
std::string noisy(std::size_t count, std::uint32_t seed) {
  Random random(seed);
  std::string text;
  while (text.size() < count) {
    const std::uint32_t value = 300 + random.below(40) + random.below(40) + random.below(40);
    text += static_cast<char>(value & 0xff);
    text += static_cast<char>(value >> 8);
  }
  return text.substr(0, count);
}

// Runs of one byte, copies from anywhere in the window, and bytes of which some are rare.
std::string mixed(std::size_t count, std::uint32_t seed) {
  Random random(seed);
  std::string text = "mixed";
  while (text.size() < count) {
    const std::uint32_t kind = random.below(8), size = 1 + random.below(kind == 0 ? 600 : 12);
    if (kind == 0) {
      text.append(size, static_cast<char>(random.below(256)));
    } else if (kind < 4) {
      const std::size_t reach = std::min<std::size_t>(text.size(), kind == 1 ? 20 : 32768);
      const std::size_t from = text.size() - 1 - random.below(static_cast<std::uint32_t>(reach));
      for (std::uint32_t i = 0; i < size; ++i) text += text[from + i % (text.size() - from)];
    } else {
      for (std::uint32_t i = 0; i < size; ++i) text += static_cast<char>(random.below(1 + random.below(256)));
    }
  }
  return text.substr(0, count);
}

// Letters so unequal in number that their codes have all lengths up to 15.
std::string skewed() {
  std::string text;
  for (std::size_t letter = 0, count = 1, before = 1; letter < 24; ++letter) {
    text.append(count, static_cast<char>(letter * 7));
    before += count;
    std::swap(before, count);
  }
  Random random(3);
  for (std::size_t i = text.size(); i-- > 1;) std::swap(text[i], text[random.below(static_cast<std::uint32_t>(i))]);
  return text;
}

void test_zlibs(Suite& suite) {
  suite.test("what zlib wrote, by every pair of kinds", [](Check& check) {
    const std::vector<std::string> texts = {"",       "a",          noisy(300'000, 1),         mixed(250'000, 2),
                                            skewed(), noisy(40, 3), std::string(400'000, '\0')};
    std::vector<std::pair<std::string, const std::string*>> streams;
    for (const std::string& text : texts) {
      for (const int level : {0, 1, 6, 9}) streams.emplace_back(deflate_image(text, level), &text);
      for (const int kind : {Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE}) {
        streams.emplace_back(deflate_image(text, 6, kind), &text);
      }
    }
    // Each beside the next and beside one far from it.
    for (const std::size_t step : {std::size_t{1}, std::size_t{11}}) {
      for (std::size_t i = 0; i < streams.size(); ++i) {
        const auto& [a, a_text] = streams[i];
        const auto& [b, b_text] = streams[(i + step) % streams.size()];
        const auto outcomes = inflate_both(a, a_text->size(), b, b_text->size());
        check.that(is_text(outcomes[0], a, *a_text) && is_text(outcomes[1], b, *b_text), i, " beside ", step, " on");
      }
    }
    for (const auto& [packed, text] : streams) {
      check.that(is_text(inflate_alone(packed, text->size()), packed, *text), text->size(), " bytes alone");
    }
  });
  suite.test("room to the byte: one less is too little, more stays as it was", [](Check& check) {
    for (const std::string& text : {noisy(70'000, 5), mixed(70'000, 6), std::string(70'000, 'x'), std::string("ab")}) {
      const std::string packed = deflate_image(text);
      const auto outcomes = inflate_both(packed, text.size() - 1, packed, text.size() + 1000);
      check.that(!outcomes[0].inflated.is_whole, "one byte less");
      check.equal(outcomes[1].inflated.made, text.size(), "made");
      check.that(outcomes[1].inflated.is_whole && outcomes[1].out.substr(0, text.size()) == text, "contents");
    }
  });
  suite.test("what follows a stream is not taken", [](Check& check) {
    const std::string text = noisy(90'000, 7), packed = deflate_image(text), more = packed + std::string(100, '\xff');
    const auto outcomes = inflate_both(more, text.size(), packed, text.size());
    check.that(is_text(outcomes[0], packed, text) && is_text(outcomes[1], packed, text), "both");
  });
}

void test_matches(Suite& suite) {
  suite.test("distances at the window's edge, and one beyond what there is", [](Check& check) {
    // Two stored blocks, then matches of 258 bytes at the largest distance and at others.
    const std::string start = mixed(40'000, 8);
    for (const unsigned distance : {1U, 2U, 3U, 7U, 8U, 15U, 16U, 17U, 258U, 32'767U, 32'768U}) {
      for (const unsigned length : {3U, 10U, 258U}) {
        std::string text = start;
        for (unsigned i = 0; i < length; ++i) text += text[text.size() - distance];
        text += mixed(2000, distance);
        const std::string packed = deflate_image(text, 9);
        const auto outcomes = inflate_both(packed, text.size(), packed, text.size());
        check.that(is_text(outcomes[0], packed, text) && is_text(outcomes[1], packed, text), length, " from ",
                   distance);
      }
    }
    for (const unsigned before : {2U, 3U, 4U}) {
      BitString bits;
      bits.put(1, 1).put(1, 2);
      for (unsigned i = 0; i < before; ++i) bits.fixed('a' + i);
      bits.fixed(257).code(2, 5).fixed(256);  // three bytes from three back
      const auto outcomes = inflate_both(bits.bytes(), before + 3, bits.bytes(), before + 3);
      check.that(outcomes[0].inflated.is_whole == (before >= 3), "after ", before);
      check.that(outcomes[1].inflated.is_whole == (before >= 3), "after ", before);
    }
  });
}

// A dynamic block whose header gives these lengths, up to 15, one by one.
BitString dynamic_block(const std::vector<unsigned>& literals, const std::vector<unsigned>& distances) {
  BitString bits;
  bits.put(1, 1).put(2, 2);
  bits.put(static_cast<unsigned>(literals.size()) - 257, 5).put(static_cast<unsigned>(distances.size()) - 1, 5);
  bits.put(15, 4);
  for (const unsigned symbol : {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}) {
    bits.put(symbol < 16 ? 4 : 0, 3);  // sixteen codes of four bits
  }
  for (const auto* const lengths : {&literals, &distances}) {
    for (const unsigned length : *lengths) bits.code(length, 4);
  }
  return bits;
}

bool is_refused(const std::string& packed) {
  const auto outcomes = inflate_both(packed, 100, packed, 100);
  return !outcomes[0].inflated.is_whole && !outcomes[1].inflated.is_whole;
}

void test_codes(Suite& suite) {
  suite.test("codes that are none", [](Check& check) {
    std::vector<unsigned> literals(257, 0);
    literals['a'] = 1;
    literals[256] = 2;
    const std::vector<unsigned> none = {0}, one = {1};
    check.that(is_refused(dynamic_block(literals, none).code(0, 1).code(2, 2).bytes()), "an incomplete code");
    literals['b'] = 2;
    const std::string good = dynamic_block(literals, none).code(0, 1).code(2, 2).code(3, 2).bytes();
    const auto outcomes = inflate_both(good, 2, good, 2);
    check.that(is_text(outcomes[0], good, "ab") && is_text(outcomes[1], good, "ab"), "a complete one, no distances");
    literals['c'] = 2;
    check.that(is_refused(dynamic_block(literals, none).code(0, 1).bytes()), "more codes than there are");
    literals['c'] = 0;
    literals[256] = 0;
    literals.push_back(2);  // a match of three
    check.that(is_refused(dynamic_block(literals, one).code(0, 1).code(2, 2).bytes()), "no end");
  });
  suite.test("symbols that may not occur, a single distance, kinds of blocks", [](Check& check) {
    std::vector<unsigned> literals(288, 0);
    literals['a'] = 1;
    literals[256] = literals[257] = 3;
    literals[286] = 2;
    check.that(is_refused(dynamic_block(literals, {1}).code(0, 1).code(2, 2).code(6, 3).bytes()), "length 286");
    check.that(is_refused(BitString().put(1, 1).put(1, 2).fixed('a').fixed(257).code(30, 5).fixed(256).bytes()),
               "distance 30");
    const auto repeat = [&](unsigned bit) {
      return dynamic_block(literals, {1}).code(0, 1).code(7, 3).code(bit, 1).code(6, 3).bytes();
    };
    const auto outcomes = inflate_both(repeat(0), 4, repeat(1), 4);
    check.that(outcomes[0].inflated.is_whole && outcomes[0].out == "aaaa", "one distance of one bit");
    check.that(!outcomes[1].inflated.is_whole, "its other bit");
    check.that(is_refused(BitString().put(1, 1).put(3, 2).bytes()), "a block of kind 3");
    check.that(is_refused(std::string("\x01\x01\x00\xff\xffz", 6)), "a size without its complement");
    check.that(is_refused(std::string("\x01\x05\x00\xfa\xffz", 6)), "stored bytes that are not there");
    check.that(is_refused(""), "nothing");
  });
}

void test_damage(Suite& suite) {
  suite.test("cut off anywhere", [](Check& check) {
    const std::string text = noisy(60'000, 9), packed = deflate_image(text);
    const std::string small = mixed(500, 10), small_packed = deflate_image(small);
    for (std::size_t size = 0; size < small_packed.size(); ++size) {
      const auto outcomes = inflate_both(small_packed.substr(0, size), small.size(), packed.substr(0, size), 60'000);
      if (outcomes[0].inflated.is_whole || outcomes[1].inflated.is_whole) check.that(false, size, " bytes");
    }
    for (std::size_t size = 0; size < packed.size(); size += 97) {
      const auto outcomes = inflate_both(packed, text.size(), packed.substr(0, size), text.size());
      check.that(is_text(outcomes[0], packed, text) && !outcomes[1].inflated.is_whole, "beside a whole one, ", size);
    }
  });
  suite.test("changed bytes harm neither memory nor the other stream", [](Check& check) {
    const std::string text = mixed(120'000, 11), packed = deflate_image(text);
    Random random(12);
    for (int round = 0; round < 300; ++round) {
      std::string damaged = packed;
      damaged[random.below(static_cast<std::uint32_t>(packed.size()))] ^= static_cast<char>(1 << random.below(8));
      const auto outcomes = inflate_both(damaged, text.size(), packed, text.size());
      if (!is_text(outcomes[1], packed, text)) check.that(false, "round ", round);
    }
    check.that(true, "done");
  });
}

}  // namespace

void io_inflate(Suite& suite) {
  if (!io::Inflater::is_supported()) {
    suite.test("inflate", [](Check& check) { check.that(true, "this processor has no BMI2: libdeflate does it all"); });
    return;
  }
  test_zlibs(suite);
  test_matches(suite);
  test_codes(suite);
  test_damage(suite);
}

}  // namespace gyrus::tests::suites
