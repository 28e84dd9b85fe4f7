// SHA-256: the standard's examples, every length about the block's, both implementations, pieces of any size.
#include "io/sha256.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using State = std::array<std::uint32_t, 8>;

std::string hash_of(std::string_view bytes) { return io::sha256_hex(bytes_of(bytes)); }

std::vector<std::byte> some_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  std::uint32_t state = 1;
  for (std::byte& byte : bytes) byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

}  // namespace

void io_sha256(Suite& suite) {
  suite.test("examples of FIPS 180-4 and of the empty text", [](Check& check) {
    check.equal(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing");
    check.equal(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "one block");
    check.equal(hash_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "two blocks");
    check.equal(hash_of(std::string(1'000'000, 'a')),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "a million letters");
  });
  suite.test("the CPU's instructions and the portable rounds agree", [](Check& check) {
    if (!check.that(true, "") || !io::has_sha_instructions()) return;
    for (const std::size_t blocks : {0U, 1U, 2U, 7U}) {
      const std::vector<std::byte> bytes = some_bytes(64 * blocks);
      State portable = {1, 2, 3, 0x80000000, 5, 6, 7, 0xffffffff}, fast = portable;
      io::internal::compress_portable(portable, bytes.data(), blocks);
      io::internal::compress_sha_ni(fast, bytes.data(), blocks);
      check.that(portable == fast, blocks, " blocks");
    }
  });
  suite.test("pieces of any size give the hash of the whole", [](Check& check) {
    for (std::size_t size = 0; size <= 200; ++size) {
      const std::vector<std::byte> bytes = some_bytes(size);
      const std::string whole = io::sha256_hex(bytes);
      for (const std::size_t piece : {1U, 3U, 55U, 56U, 63U, 64U, 65U, 128U}) {
        io::Sha256 hash;
        for (std::size_t at = 0; at < size; at += piece) {
          hash.update(std::span(bytes).subspan(at, std::min<std::size_t>(piece, size - at)));
        }
        if (hash.hex() != whole) check.that(false, size, " bytes in pieces of ", piece);
      }
      check.equal(whole.size(), 64U, "digits");
    }
  });
  suite.test("two messages at once have the hashes of each alone", [](Check& check) {
    for (const auto& [first, second] : {std::pair<std::size_t, std::size_t>{0, 0}, {64, 64}, {1000, 100}, {63, 640}}) {
      const std::vector<std::byte> a = some_bytes(first), b = some_bytes(second + 3);
      for (const std::size_t before : {std::size_t{0}, std::size_t{5}, std::size_t{64}}) {
        io::Sha256 one, other;
        one.update(std::span(b).first(std::min(before, b.size())));
        io::Sha256::update_both(one, a, other, b);
        std::vector<std::byte> whole(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(std::min(before, b.size())));
        whole.insert(whole.end(), a.begin(), a.end());
        check.that(one.hex() == io::sha256_hex(whole), first, " bytes behind ", before);
        check.that(other.hex() == io::sha256_hex(b), second + 3, " bytes");
      }
    }
  });
}

}  // namespace gyrus::tests::suites
