// PyTorch's files that are cut short, lie, or are made to cost more than they are: errors that name file and remedy.
#include <vector>

#include "core/memory_stats.h"
#include "io/torch_reader.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"
#include "tests/io/torch_image.h"

namespace gyrus::tests::suites {
namespace {

using io::TorchReader;

const std::string kStorage = pickle::storage("FloatStorage", "0", 6);
const std::vector<ZipFile> kSix{{"0", floats({1, 2, 3, 4, 5, 6})}};

std::string one_tensor(const std::string& tensor) { return pickle::dict(pickle::text("a") + tensor); }
std::string good_value() { return one_tensor(pickle::tensor(kStorage, 0, {2, 3}, {3, 1})); }

// The message with which the bytes are refused; it names the file, and nothing stays allocated.
std::string refusal(Check& check, const std::string& image, std::string_view what) {
  const std::int64_t held = memory_stats().host_bytes;
  // Exactly as many bytes as there are, so that AddressSanitizer sees a read beyond them.
  const std::vector<char> exact(image.begin(), image.end());
  std::string message = check.throws(Code::file_format, what,
                                     [&] { const TorchReader file(std::as_bytes(std::span(exact)), "bad.pth"); });
  check.that(message.starts_with("bad.pth"), what, ": the file is not named in ", message);
  check.equal(memory_stats().host_bytes, held, what);
  return message;
}

void expect(Check& check, const std::string& image, std::string_view part) {
  const std::string message = refusal(check, image, part);
  check.that(contains(message, part), "'", part, "' is not in: ", message);
}

void test_archives(Suite& suite) {
  suite.test("archives that are cut short or contradict themselves", [](Check& check) {
    const std::string good = torch_image(good_value(), kSix);
    const TorchReader whole(bytes_of(good), "good.pth");
    check.that(!whole.tensors().empty(), "the whole file is read");
    for (std::size_t bytes = 0; bytes < good.size(); ++bytes) refusal(check, good.substr(0, bytes), "cut short");
    expect(check, "PK\x03\x04 and more", "no directory");
    expect(check, zip_image({{"w/data.pk", ""}}), "without data.pkl");
    expect(check, zip_image({}), "0 files");
    expect(check, zip_image({{"w/data.pkl", "x"}, {"w/constants.pkl", "x"}}), "TorchScript");
    expect(check, zip_image({{"w/data.pkl", "x", 8}}), "compressed (method 8)");
    expect(check, zip_image({{"w/data.pkl", "x", 0, 1}}), "encrypted");
    expect(check, zip_image({{"w/data.pkl", "x"}, {"w/data.pkl", "x"}}), "twice");
    expect(check, zip_image({{"w/data.pkl", pickle::program(good_value())}, {"w/byteorder", "big"}}), "byte order");
    expect(check, torch_image(good_value(), {}), "the storage \"0\" of the tensor \"a\" is not in the archive");
  });
  suite.test("every byte of an archive changed", [](Check& check) {
    const std::string good = torch_image(good_value(), kSix, {true, false});
    int refused = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string image = good;
      image[at] = static_cast<char>(image[at] ^ '\x5a');
      try {
        const TorchReader file(bytes_of(image), "changed.pth");
        for (const io::StoredTensor& tensor : file.tensors()) {
          std::vector<float> values(static_cast<std::size_t>(std::min<std::int64_t>(tensor.shape.elements(), 64)));
          if (tensor.shape.elements() <= 64) file.read_f32(tensor, values);
        }
      } catch (const Error& error) {
        check.that(error.code() == Code::file_format, error.message());
        ++refused;
      }
    }
    check.that(refused > 300, "only ", refused, " of ", good.size(), " were refused");
  });
}

void test_tensors(Suite& suite) {
  suite.test("tensors that do not lie in their storage", [](Check& check) {
    constexpr std::int64_t kHuge = std::int64_t{1} << 62;
    const auto image = [](std::int64_t offset, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& strides) {
      return torch_image(one_tensor(pickle::tensor(kStorage, offset, sizes, strides)), kSix);
    };
    expect(check, image(1, {2, 3}, {3, 1}), "reaches to element 6");
    expect(check, image(-1, {1}, {1}), "negative or beyond");
    expect(check, image(6, {1}, {1}), "reaches to element 6");
    expect(check, image(7, {0}, {1}), "reaches to element");
    expect(check, image(0, {2}, {-1}), "negative or beyond");
    expect(check, image(0, {-2}, {1}), "negative or beyond");
    expect(check, image(0, {kHuge, kHuge}, {0, 0}), "negative or beyond");
    expect(check, image(kHuge, {3}, {kHuge}), "negative or beyond");
    expect(check, image(0, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1}), "6 axes");
    expect(check, image(0, {2, 3}, {1}), "not as many");
    const std::string lying = pickle::storage("FloatStorage", "0", 1000);
    expect(check, torch_image(one_tensor(pickle::tensor(lying, 0, {7}, {1})), kSix), "which has 6");
  });
  suite.test("dicts that hold one another", [](Check& check) {
    // Ten references to the dict before, thirty times over: 10^30 tensors, were they walked.
    std::string value = good_value() + "q" + std::string(1, '\0');
    for (char level = 1; level <= 30; ++level) {
      std::string items;
      for (char copy = 'a'; copy <= 'j'; ++copy) {
        items += pickle::text(std::string(1, copy)) + "h" + static_cast<char>(level - 1);
      }
      value += "0" + pickle::dict(items) + "q" + level;
    }
    expect(check, torch_image(value, kSix), "hold one another");
    const std::string cycle = "}q" + std::string(1, '\0') + pickle::text("a") + "h" + std::string(1, '\0') + "s";
    expect(check, torch_image(cycle, kSix), "nested more than");
  });
}

void test_programs(Suite& suite) {
  suite.test("pickles that are no state dicts", [](Check& check) {
    expect(check, torch_image("N", {}), "no state dict");
    expect(check, torch_image(pickle::tensor(kStorage, 0, {1}, {1}), kSix), "no state dict");
    expect(check, torch_image("}", {}), "without tensors");
    expect(check, torch_image(pickle::call(pickle::global("torchvision.models.resnet", "ResNet"), ")"), {}),
           "an object of the class \"ResNet\"");
  });
  suite.test("programs that break their rules", [](Check& check) {
    const std::vector<std::pair<std::string, std::string_view>> programs{
        {"", "other than one value"},
        {"0", "empty stack"},
        {"R", "empty stack"},
        {"N(R", "empty stack"},
        {"u", "mark"},
        {"t", "mark"},
        {"}(Nu", "without a value"},
        {"NN", "other than one value"},
        {"(N", "other than one value"},
        {"h\x05", "did not remember"},
        {"j\xff\xff\xff\x7f", "did not remember"},
        {"Nr\xff\xff\xff\x7f", "cannot have reached"},
        {"NNN\x93", "no text"},
        {"NQ", "no storage"},
        {"I1\n", "opcode"},
        {"P0\n", "opcode"},
        {"\x82\x01", "opcode"},
        {"X\xff\xff\xff\xff", "breaks off"},
        {"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "breaks off"},
        {"\x95\xff\xff\xff\xff\xff\xff\xff\xff", "frame"},
        {"cos", "breaks off"},
        {"\x80\x06N", "protocol"},
        {std::string(4096, ']'), "more values"}};
    for (const auto& [program, part] : programs) expect(check, torch_image(program, {}), part);
    // One list of 200 pairs, made into a dict 1000 times.
    std::string pairs = "](", copies;
    for (int at = 0; at < 200; ++at) pairs += pickle::text("k") + "N\x86";
    const std::string first = pairs + "e" + "\x85q" + std::string(1, '\0') + "0";
    const std::string maker = pickle::global("collections", "OrderedDict") + "q\x01" + "0";
    for (int at = 0; at < 1000; ++at) copies += std::string("h\x01h\0R0", 6);
    expect(check, torch_image(first + maker + copies + "N", {}), "copies more items");
  });
}

void test_legacy(Suite& suite) {
  suite.test("the form before PyTorch 1.6", [](Check& check) {
    const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    const std::string begin = magic + pickle::program("M\xe9\x03") + pickle::program("}");
    const std::string object = pickle::program(good_value());
    const std::string keys = pickle::program("](" + pickle::text("0") + "e");
    const std::string count("\x06\0\0\0\0\0\0\0", 8), data = floats({1, 2, 3, 4, 5, 6});
    const std::string good = begin + object + keys + count + data;
    const TorchReader file(bytes_of(good), "old.pth");
    std::vector<float> values(6);
    file.read_f32(*file.find("a"), values);
    check.that(values == std::vector<float>{1, 2, 3, 4, 5, 6}, "values");
    for (std::size_t bytes = magic.size(); bytes < good.size(); ++bytes) {
      refusal(check, good.substr(0, bytes), "cut short");
    }
    expect(check, magic + pickle::program("K\x01") + object, "another version");
    expect(check, begin + object + pickle::program("](" + pickle::text("1") + "e") + count + data, "storage \"1\"");
    expect(check, begin + object + pickle::program("]") + count + data, "not in the file");
    expect(check, begin + object + keys + std::string(8, '\xff') + data, "said to have -1 elements");
  });
}

}  // namespace

void io_torch_file_bad(Suite& suite) {
  test_archives(suite);
  test_tensors(suite);
  test_programs(suite);
  test_legacy(suite);
}

}  // namespace gyrus::tests::suites
