// PyTorch's files: what is in them is read as PyTorch reads it, and what they would run is not run.
#include <cmath>
#include <vector>

#include "core/memory_stats.h"
#include "io/torch_reader.h"
#include "tests/harness/suites.h"
#include "tests/io/scratch.h"
#include "tests/io/torch_image.h"

namespace gyrus::tests::suites {
namespace {

using io::StoredTensor;
using io::TorchReader;

const std::string kStorage = pickle::storage("FloatStorage", "0", 6);
const std::vector<ZipFile> kSix{{"0", floats({1, 2, 3, 4, 5, 6})}};

std::vector<float> read(const io::TensorFile& file, std::string_view name) {
  const StoredTensor* const tensor = file.find(name);
  GYRUS_CHECK(tensor != nullptr, Code::name, "no tensor ", name);
  std::vector<float> out(static_cast<std::size_t>(tensor->shape.elements()));
  file.read_f32(*tensor, out);
  return out;
}

std::string entry(std::string_view name, std::string_view value) { return pickle::text(name) + std::string(value); }

void test_tensors(Suite& suite) {
  suite.test("views of one storage", [](Check& check) {
    const std::string image = torch_image(pickle::dict(entry("whole", pickle::tensor(kStorage, 0, {2, 3}, {3, 1})) +
                                                       entry("turned", pickle::tensor(kStorage, 0, {3, 2}, {1, 3})) +
                                                       entry("every second", pickle::tensor(kStorage, 1, {3}, {2})) +
                                                       entry("expanded", pickle::tensor(kStorage, 5, {2, 2}, {0, 0})) +
                                                       entry("scalar", pickle::tensor(kStorage, 3, {}, {})) +
                                                       entry("empty", pickle::tensor(kStorage, 0, {0, 4}, {4, 1}))),
                                          kSix);
    const std::int64_t held = memory_stats().host_bytes;
    {
      const TorchReader file(bytes_of(image), "w.pth");
      check.equal(file.tensors().size(), 6U, "tensors");
      check.equal(file.find("turned")->shape, Shape({3, 2}), "shape");
      check.that(read(file, "whole") == std::vector<float>{1, 2, 3, 4, 5, 6}, "whole");
      check.that(read(file, "turned") == std::vector<float>{1, 4, 2, 5, 3, 6}, "turned");
      check.that(read(file, "every second") == std::vector<float>{2, 4, 6}, "every second");
      check.that(read(file, "expanded") == std::vector<float>{6, 6, 6, 6}, "expanded");
      check.that(read(file, "scalar") == std::vector<float>{4}, "scalar");
      check.that(read(file, "empty").empty(), "empty");
    }
    check.equal(memory_stats().host_bytes, held, "host bytes held");
  });
  suite.test("ZIP64, data descriptors and element types", [](Check& check) {
    const std::string value =
        pickle::dict(entry("f64", pickle::tensor(pickle::storage("DoubleStorage", "d", 1), 0, {1}, {1})) +
                     entry("bf16", pickle::tensor(pickle::storage("BFloat16Storage", "b", 2), 1, {1}, {1})) +
                     entry("i64", pickle::tensor(pickle::storage("LongStorage", "l", 1), 0, {}, {})) +
                     entry("complex", pickle::tensor(pickle::storage("ComplexFloatStorage", "c", 1), 0, {1}, {1})));
    const std::vector<ZipFile> storages{{"d", std::string("\0\0\0\0\0\0\xf8\x3f", 8)},
                                        {"b", std::string("\0\0\xc0\x3f", 4)},
                                        {"l", std::string("\x07\0\0\0\0\0\0\0", 8)},
                                        {"c", std::string(8, '\0')}};
    for (const ZipOptions& options : {ZipOptions{}, ZipOptions{true, false}, ZipOptions{false, true}}) {
      const std::string image = torch_image(value, storages, options);
      const TorchReader file(bytes_of(image), "w.pth");
      check.equal(file.tensors().size(), 3U, "tensors; complex ones are left out");
      check.equal(read(file, "f64").at(0), 1.5F, "f64");
      check.equal(read(file, "bf16").at(0), 1.5F, "bf16");
      check.equal(read(file, "i64").at(0), 7.0F, "i64");
    }
  });
  suite.test("nested dicts, parameters, and keys given twice", [](Check& check) {
    const std::string one = pickle::tensor(kStorage, 0, {1}, {1}), six = pickle::tensor(kStorage, 5, {1}, {1});
    const std::string parameter =
        pickle::call(pickle::global("torch._utils", "_rebuild_parameter"), pickle::tuple(one + "\x88}"));
    const std::string inner = pickle::call(pickle::global("collections", "OrderedDict"), ")") + "(" +
                              entry("a.weight", one) + entry("a.weight", six) + entry("p", parameter) + "u}b";
    const std::string image =
        torch_image(pickle::dict(entry("state_dict", inner) + entry("epoch", "K\x05") +
                                 entry("optimizer", pickle::dict("K\x02" + pickle::dict(entry("exp_avg", one))))),
                    kSix);
    const TorchReader file(bytes_of(image), "w.ckpt");
    check.equal(file.tensors().size(), 3U, "tensors");
    check.equal(read(file, "state_dict.a.weight").at(0), 6.0F, "the last value of a key counts");
    check.equal(read(file, "state_dict.p").at(0), 1.0F, "a parameter");
    check.equal(read(file, "optimizer.2.exp_avg").at(0), 1.0F, "a key that is a number");
  });
}

// Each of these runs a command when Python's pickle loads it. The marker is a file that the command would make.
void test_hostile(Suite& suite) {
  suite.test("nothing in a pickle is run", [](Check& check) {
    const ScratchFolder folder;
    const std::string marker = folder.path("owned"), command = "touch " + marker;
    const std::string python = "__import__('os').system('" + command + "')";
    const std::string argument = pickle::tuple(pickle::text(command)), source = pickle::tuple(pickle::text(python));
    const std::string chain = pickle::call(pickle::global("builtins", "getattr"),
                                           pickle::tuple(pickle::global("os", "path") + pickle::text("system")));
    const std::vector<std::string> attacks{
        pickle::call(pickle::global("os", "system"), argument),
        pickle::call(pickle::global("posix", "system"), argument),
        pickle::call(pickle::global("subprocess", "check_output"), argument),
        pickle::call(pickle::global("builtins", "eval"), source),
        pickle::call(pickle::global("builtins", "exec"), source),
        pickle::call(pickle::global("torch", "load"), argument),
        pickle::call(pickle::global("torch._utils", "_rebuild_device_tensor_from_numpy"), source),
        pickle::call(chain, argument),
        pickle::call(pickle::global("torch._tensor", "_rebuild_from_type_v2"),
                     pickle::tuple(pickle::global("os", "system") + "N" + argument + "N")),
        pickle::global("os", "system") + argument + "\x81",
        pickle::text("os") + pickle::text("system") + "\x93" + argument + "R",
        pickle::call(pickle::global("builtins", "object"), ")") + pickle::dict(entry("__setstate__", source)) + "b"};
    for (const std::string& attack : attacks) {
      const std::string image =
          torch_image(pickle::dict(entry("evil", attack) + entry("a", pickle::tensor(kStorage, 0, {1}, {1}))), kSix);
      const TorchReader file(bytes_of(image), "evil.pth");
      check.equal(file.tensors().size(), 1U, "the tensor beside the attack");
      const std::string alone = torch_image(attack, kSix);
      check.throws(Code::file_format, "the attack alone",
                   [&] { const TorchReader refused(bytes_of(alone), "evil.pth"); });
    }
    check.equal(folder.entries(), 0U, "files that a command made");
  });
}

}  // namespace

void io_torch_file(Suite& suite) {
  test_tensors(suite);
  test_hostile(suite);
}

}  // namespace gyrus::tests::suites
