// Matching a model's names with a file's, and the advice in the message.
#include "io/weights_match.h"

#include <string>
#include <vector>

#include "tests/harness/suites.h"
#include "tests/io/scratch.h"

namespace gyrus::tests::suites {
namespace {

using io::MatchReport;
using io::StoredTensor;
using io::WantedTensor;

const std::vector<WantedTensor> kModel{{"conv1.weight", Shape{64, 3, 7, 7}},
                                       {"bn1.weight", Shape{64}},
                                       {"layer1.0.conv1.weight", Shape{64, 64, 1, 1}},
                                       {"layer1.0.conv2.weight", Shape{64, 64, 3, 3}}};

// The model's tensors as a file has them, each name preceded by `prefix`.
std::vector<StoredTensor> stored(std::string_view prefix = "") {
  std::vector<StoredTensor> tensors;
  tensors.reserve(kModel.size());
  for (const WantedTensor& wanted : kModel) tensors.push_back({text(prefix, wanted.name), {}, wanted.shape, 0, 0});
  return tensors;
}

std::string message_of(const MatchReport& report) { return io::describe_mismatch(report, "w.safetensors"); }

void test_lists(Suite& suite) {
  suite.test("a file that fits, with allowed extras", [](Check& check) {
    std::vector<StoredTensor> file = stored();
    for (const std::string_view name : {"fc.weight", "fc.bias", "head.bias", "bn1.num_batches_tracked"}) {
      file.push_back({std::string(name), {}, Shape{}, 0, 0});
    }
    const MatchReport report = io::match_weights(kModel, file);
    check.that(report.is_complete(), message_of(report));
    check.equal(report.matched.size(), 4U, "matched");
    check.equal(report.matched[2], "layer1.0.conv1.weight", "the order wanted");
    if (check.equal(report.ignored.size(), 4U, "ignored")) {
      check.equal(report.ignored[0].name, "fc.weight", "the file's order");
      check.that(contains(report.ignored[0].reason, "a head"), report.ignored[0].reason);
      check.that(contains(report.ignored[3].reason, "a count"), report.ignored[3].reason);
    }
    io::check_match(report, "w.safetensors");
  });
  suite.test("extras are judged by their own rule", [](Check& check) {
    std::vector<StoredTensor> file = stored();
    for (const std::string_view name : {"fcx.weight", "a.fc.weight", "classifier.bias"}) {
      file.push_back({std::string(name), {}, Shape{}, 0, 0});
    }
    check.equal(io::match_weights(kModel, file).unexpected.size(), 3U, "unexpected");
    check.equal(io::match_weights(kModel, file, {{"fcx.", "classifier."}, {".fc.weight"}}).unexpected.size(), 0U,
                "unexpected with other rules");
    const std::vector<WantedTensor> head{{"fc.weight", Shape{2, 8}}};
    const MatchReport report = io::match_weights(head, {});
    check.equal(report.missing.size(), 1U, "a wanted tensor is missing although its prefix is an allowed extra");
  });
  suite.test("every wanted tensor is in one list", [](Check& check) {
    std::vector<StoredTensor> file = stored();
    file[0].shape = Shape{64, 1, 7, 7};
    file[1].name = "other";
    const MatchReport report = io::match_weights(kModel, file);
    check.equal(report.matched.size(), 2U, "matched");
    if (check.equal(report.missing.size(), 1U, "missing")) check.equal(report.missing[0], "bn1.weight", "missing");
    if (check.equal(report.unexpected.size(), 1U, "unexpected"))
      check.equal(report.unexpected[0], "other", "unexpected");
    if (check.equal(report.misshapen.size(), 1U, "misshapen")) {
      check.equal(report.misshapen[0].name, "conv1.weight", "name");
      check.equal(report.misshapen[0].expected, "[64, 3, 7, 7]", "expected");
      check.equal(report.misshapen[0].found, "[64, 1, 7, 7]", "found");
    }
    const std::string message = check.throws(Code::weights_mismatch, "a report that is not complete",
                                             [&] { io::check_match(report, "w.safetensors"); });
    for (const std::string_view part :
         {"w.safetensors: holds 2 of the 4 tensors", "1 missing: \"bn1.weight\"", "1 unexpected: \"other\"",
          "1 of another shape: \"conv1.weight\" expected [64, 3, 7, 7] found [64, 1, 7, 7]", "Remedy: "}) {
      check.that(contains(message, part), part, " is not in: ", message);
    }
    const std::vector<WantedTensor> twice{kModel[0], kModel[0]};
    check.throws(Code::internal, "a name wanted twice", [&] { io::match_weights(twice, file); });
  });
}

void test_error(Suite& suite) {
  suite.test("the error has every name, and tells what was left aside", [](Check& check) {
    std::vector<StoredTensor> file = stored();
    for (int i = 0; i < 9; ++i) file.push_back({text("strange.", i), {}, Shape{}, 0, 0});
    file.push_back({"fc.weight", {}, Shape{}, 0, 0});
    try {
      io::check_match(io::match_weights(kModel, file), "w.safetensors");
      check.that(false, "it was not refused");
    } catch (const io::WeightsMismatch& error) {
      check.equal(error.report().unexpected.size(), 9U, "unexpected");
      check.that(contains(error.message(), "; left aside: 1 (a head, which is not read here)"), error.message());
    }
  });
}

void test_remedies(Suite& suite) {
  const auto expect = [](Check& check, const MatchReport& report, std::string_view remedy) {
    check.that(contains(message_of(report), remedy), remedy, " is not in: ", message_of(report));
  };
  suite.test("a prefix to strip, even among others", [expect](Check& check) {
    std::vector<StoredTensor> file = stored("module.base_encoder.");
    for (const StoredTensor& tensor : stored("module.momentum_encoder.")) file.push_back(tensor);
    expect(check, io::match_weights(kModel, file),
           "4 of the file's names carry the prefix \"module.base_encoder.\": strip it");
    expect(check, io::match_weights(kModel, stored("module.")), "carry the prefix \"module.\": strip it");
  });
  suite.test("a prefix to add", [expect](Check& check) {
    std::vector<WantedTensor> wanted = kModel;
    for (WantedTensor& tensor : wanted) tensor.name = "base_encoder." + tensor.name;
    expect(check, io::match_weights(wanted, stored()),
           "4 of the file's names lack the prefix \"base_encoder.\": put it before");
  });
  suite.test("a name that differs by a few letters, but not by a number", [expect](Check& check) {
    std::vector<StoredTensor> file = stored();
    file[2].name = "layer1.0.conv_1.weight";
    expect(check, io::match_weights(kModel, file), "did \"layer1.0.conv_1.weight\" mean \"layer1.0.conv1.weight\"?");
    file[2].name = "layer1.0.conv3.weight";
    check.that(!contains(message_of(io::match_weights(kModel, file)), "did \""),
               "another layer was taken for a misspelling");
  });
  suite.test("a transposed matrix, other sizes, another architecture", [expect](Check& check) {
    const std::vector<WantedTensor> linear{{"fc1.weight", Shape{256, 1024}}};
    expect(check, io::match_weights(linear, std::vector<StoredTensor>{{"fc1.weight", {}, Shape{1024, 256}, 0, 0}}),
           "\"fc1.weight\" is transposed: save it as [256, 1024]");
    expect(check, io::match_weights(linear, std::vector<StoredTensor>{{"fc1.weight", {}, Shape{9, 9}, 0, 0}}),
           "check arch, imageSize and channels");
    expect(check, io::match_weights(linear, std::vector<StoredTensor>{{"stem", {}, Shape{9, 9}, 0, 0}}),
           "another architecture");
  });
  suite.test("long lists and hostile names keep the message short", [](Check& check) {
    std::vector<StoredTensor> file;
    file.reserve(5001);
    for (int i = 0; i < 5000; ++i) file.push_back({text(i, std::string(1000, '.')), {}, Shape{}, 0, 0});
    file.push_back({"\x1b[2J" + std::string(1 << 20, 'x'), {}, Shape{}, 0, 0});
    const MatchReport report = io::match_weights(kModel, file);
    check.equal(report.unexpected.size(), 5001U, "unexpected");
    const std::string message = message_of(report);
    check.that(message.size() < 2000 && contains(message, "4996 more") && !contains(message, "\x1b"), message);
    check.that(!contains(io::describe_mismatch(report, "w", 1), "bn1.weight"), "a limit of one name showed two");
  });
}

}  // namespace

void io_weights_match(Suite& suite) {
  test_lists(suite);
  test_error(suite);
  test_remedies(suite);
}

}  // namespace gyrus::tests::suites
