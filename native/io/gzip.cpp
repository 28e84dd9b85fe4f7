#include "io/gzip.h"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "core/error.h"
#include "io/inflate.h"

namespace gyrus::io {
namespace {

constexpr std::int64_t kSkipBuffer = std::int64_t{1} << 16;
constexpr std::int64_t kMostBehind = std::int64_t{64} << 20;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for a gzip wrapper

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* state) const noexcept { libdeflate_free_decompressor(state); }
};

[[noreturn]] void fail_damaged(std::string_view label) {
  throw Error(Code::file_format,
              text(label, " is a damaged gzip file: its compressed data breaks the format; copy or download it again"));
}

[[noreturn]] void fail_too_long(std::string_view label, std::int64_t expected) {
  throw Error(Code::file_format, text(label, " holds more than twice the ", expected,
                                      " bytes that are announced: it is damaged, or no volume; leave it out"));
}

[[noreturn]] void fail_truncated(std::string_view label, std::int64_t found, std::int64_t expected) {
  throw Error(Code::file_format, text(label, " ends early: ", expected, " bytes are announced, its gzip data holds ",
                                      found, "; copy or download it again"));
}

// zlib's stream over compressed data, member after member.
class MemberStream {
 public:
  MemberStream(std::span<const std::byte> compressed, std::string_view label) : left_(compressed), label_(label) {
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) throw std::bad_alloc();
  }
  ~MemberStream() { inflateEnd(&stream_); }
  MemberStream(const MemberStream&) = delete;
  MemberStream& operator=(const MemberStream&) = delete;

  // Fills `out` as far as the data reaches and returns how far that is.
  std::int64_t read(std::span<std::byte> out) {
    std::size_t done = 0;
    while (done < out.size() && !is_at_end_) done += step(out.subspan(done));
    return static_cast<std::int64_t>(done);
  }

  // Whether the last member was there to its end, its checksum right.
  bool is_complete() const { return is_complete_; }

 private:
  // zlib counts in 32 bits, so input and output are given in pieces.
  static constexpr std::size_t kPiece = std::size_t{1} << 30;

  std::size_t step(std::span<std::byte> out) {
    const std::size_t room = std::min(out.size(), kPiece), input = std::min(left_.size(), kPiece);
    // zlib's interface predates const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(left_.data()));
    stream_.avail_in = static_cast<uInt>(input);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    const std::size_t taken = input - stream_.avail_in, made = room - stream_.avail_out;
    left_ = left_.subspan(taken);
    is_complete_ = status == Z_STREAM_END;
    if (status == Z_STREAM_END) {
      is_at_end_ = !is_gzip(left_) || inflateReset(&stream_) != Z_OK;  // what follows the last member is padding
    } else if (status == Z_BUF_ERROR || (status == Z_OK && taken == 0 && made == 0)) {
      is_at_end_ = true;
    } else if (status != Z_OK) {
      fail_damaged(label_);
    }
    return made;
  }

  std::span<const std::byte> left_;
  std::string_view label_;
  z_stream stream_{};
  bool is_at_end_ = false, is_complete_ = false;
};

// Bytes of a member's header (RFC 1952, 2.3); 0 for one that is not whole or has flags that nobody knows.
std::size_t member_header(std::span<const std::byte> bytes) {
  constexpr std::size_t kFixed = 10;
  constexpr unsigned kChecksum = 2, kExtra = 4, kName = 8, kComment = 16, kReserved = 0xe0;
  if (bytes.size() < kFixed || !is_gzip(bytes) || bytes[2] != std::byte{8}) return 0;
  const auto flags = std::to_integer<unsigned>(bytes[3]);
  if ((flags & kReserved) != 0) return 0;
  std::size_t at = kFixed;
  if ((flags & kExtra) != 0) {
    if (bytes.size() < at + 2) return 0;
    at += 2 + (std::to_integer<std::size_t>(bytes[at]) | std::to_integer<std::size_t>(bytes[at + 1]) << 8);
  }
  for (const unsigned text_flag : {kName, kComment}) {
    if ((flags & text_flag) == 0) continue;
    while (at < bytes.size() && bytes[at] != std::byte{0}) ++at;
    ++at;
  }
  if ((flags & kChecksum) != 0) at += 2;
  return at <= bytes.size() ? at : 0;
}

// What a file of one member holds; the stream is empty where the header is not whole.
DeflateStream member_of(const Gunzip::File& file) {
  const std::size_t header = member_header(file.compressed);
  return header > 0 ? DeflateStream{file.compressed.subspan(header), file.out} : DeflateStream{};
}

// Whether a member filled the file's memory, and its trailer says so: its CRC-32 and its length modulo 2^32.
bool is_filled(const Gunzip::File& file, const DeflateStream& stream, const Inflated& found) {
  const auto& [is_whole, taken, made, crc] = found;
  if (!is_whole || made != file.out.size()) return false;
  std::array<std::uint32_t, 2> said{};
  if (stream.packed.size() - taken < sizeof said) return false;
  std::memcpy(said.data(), stream.packed.data() + taken, sizeof said);
  return said[0] == crc && said[1] == static_cast<std::uint32_t>(made);
}

}  // namespace

struct Gunzip::State {
  std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor;
  Inflater inflater;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {
  state_->decompressor.reset(libdeflate_alloc_decompressor());
  if (state_->decompressor == nullptr) throw std::bad_alloc();
}

Gunzip::~Gunzip() = default;

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::int64_t Gunzip::prefix(std::span<const std::byte> compressed, std::span<std::byte> out, std::string_view label) {
  return MemberStream(compressed, label).read(out);
}

// False when the stream holds more than `out`: libdeflate then leaves nothing that could be relied on. What our own
// decoder does not find to be a single member that fills `out`, libdeflate looks at again, and says what is wrong.
bool Gunzip::read_whole(std::span<const std::byte> compressed, std::span<std::byte> out, std::string_view label) {
  if (Inflater::is_supported()) {
    const File file{compressed, out};
    const DeflateStream stream = member_of(file);
    if (is_filled(file, stream, state_->inflater.inflate(stream))) return true;
  }
  std::size_t done = 0;
  while (done < out.size()) {
    std::size_t taken = 0, made = 0;
    const libdeflate_result result =
        libdeflate_gzip_decompress_ex(state_->decompressor.get(), compressed.data(), compressed.size(),
                                      out.data() + done, out.size() - done, &taken, &made);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return false;
    if (result != LIBDEFLATE_SUCCESS) fail_damaged(label);
    done += made;
    compressed = compressed.subspan(taken);
    if (done < out.size() && !is_gzip(compressed)) {
      fail_truncated(label, static_cast<std::int64_t>(done), static_cast<std::int64_t>(out.size()));
    }
  }
  return true;
}

std::array<bool, 2> Gunzip::read_both(const File& first, const File& second) {
  std::array<bool, 2> are_whole{};
  if (!Inflater::is_supported()) return are_whole;
  const std::array<DeflateStream, 2> streams = {member_of(first), member_of(second)};
  const std::array<Inflated, 2> results = state_->inflater.inflate(streams[0], streams[1]);
  return {is_filled(first, streams[0], results[0]), is_filled(second, streams[1], results[1])};
}

void Gunzip::read(std::span<const std::byte> compressed, std::int64_t skip, std::span<std::byte> out,
                  std::string_view label) {
  if (skip == 0 && read_whole(compressed, out, label)) return;
  MemberStream stream(compressed, label);
  std::array<std::byte, static_cast<std::size_t>(kSkipBuffer)> skipped;
  std::int64_t at = 0;
  while (at < skip) {
    const std::int64_t piece = std::min(skip - at, kSkipBuffer);
    const std::int64_t got = stream.read(std::span(skipped).first(static_cast<std::size_t>(piece)));
    at += got;
    if (got < piece) fail_truncated(label, at, skip + static_cast<std::int64_t>(out.size()));
  }
  const auto size = static_cast<std::int64_t>(out.size());
  const std::int64_t got = stream.read(out);
  if (got < size) fail_truncated(label, skip + got, skip + size);
  if (skip > 0) return;
  // More than was announced: a little padding, or data so damaged that it grew. Only the checksum at the end tells.
  for (std::int64_t rest = 0, piece = kSkipBuffer; piece == kSkipBuffer; rest += piece) {
    if (rest > size + kMostBehind) fail_too_long(label, size);
    piece = stream.read(skipped);
  }
  if (!stream.is_complete()) fail_damaged(label);
}

}  // namespace gyrus::io
