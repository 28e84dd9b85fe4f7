#include "io/torch/state_dict.h"

#include <map>
#include <optional>

#include "core/error.h"
#include "io/utf8.h"

namespace gyrus::io::torch {
namespace {

constexpr int kMaxDepth = 32;  // dicts in dicts

class Walk {
 public:
  Walk(const Pickle& pickle, std::string_view file)
      : pickle_(pickle), file_(file), budget_(65536 + 16 * pickle.bytes.size()) {}

  std::vector<NamedPickledTensor> take() { return std::move(tensors_); }

  void visit(const Value& dict, const std::string& prefix, int depth) {
    const std::span<const ValueId> items = pickle_.items_of(dict);
    // A dict may be reached in many ways, so that work is counted here and not in bytes of the pickle.
    spend(items.size());
    std::map<std::string_view, ValueId> last;
    for (std::size_t at = 0; at + 1 < items.size(); at += 2) {
      const Value& key = pickle_.at(items[at]);
      if (key.kind == Kind::text) last[pickle_.text_of(key)] = items[at + 1];
    }
    for (std::size_t at = 0; at + 1 < items.size(); at += 2) {
      const Value& key = pickle_.at(items[at]);
      const bool is_text = key.kind == Kind::text;
      if (!is_text && key.kind != Kind::integer) continue;
      if (is_text && last[pickle_.text_of(key)] != items[at + 1]) continue;
      const Value& value = pickle_.at(items[at + 1]);
      if (value.kind != Kind::tensor && value.kind != Kind::dict) continue;
      const std::string name = prefix + (is_text ? std::string(pickle_.text_of(key)) : std::to_string(key.integer));
      spend(name.size());
      GYRUS_CHECK(!name.empty() && is_utf8(name), Code::file_format, file_, ": the name ", quoted(name),
                  " in its state dict is empty or not UTF-8; save the state dict again with torch.save");
      if (value.kind == Kind::tensor) {
        tensors_.push_back({name, value.index});
      } else {
        GYRUS_CHECK(depth < kMaxDepth, Code::file_format, file_, ": its dicts are nested more than ", kMaxDepth,
                    " deep, at ", quoted(name), "; save the state dict alone with torch.save");
        visit(value, name + ".", depth + 1);
      }
    }
  }

 private:
  void spend(std::size_t cost) {
    GYRUS_CHECK(cost <= budget_, Code::file_format, file_,
                ": its dicts hold one another so often that their names "
                "would take more room than the file; save the state dict alone with torch.save");
    budget_ -= cost;
  }

  const Pickle& pickle_;
  std::string_view file_;
  std::size_t budget_;
  std::vector<NamedPickledTensor> tensors_;
};

}  // namespace

std::vector<NamedPickledTensor> state_dict_tensors(const Pickle& pickle, std::string_view file) {
  const Value& top = pickle.at(pickle.top);
  const std::string_view maker = pickle.text_of(top);
  GYRUS_CHECK(top.kind != Kind::opaque || maker.empty(), Code::file_format, file, ": holds an object of the class ",
              quoted(maker),
              " instead of a state dict; load it in PyTorch and save it with torch.save(model.state_dict(), "
              "path): objects are not made from files here, as that runs code");
  GYRUS_CHECK(top.kind == Kind::dict, Code::file_format, file,
              ": holds a pickle that is no state dict; save one with torch.save(model.state_dict(), path)");
  Walk walk(pickle, file);
  walk.visit(top, "", 1);
  std::vector<NamedPickledTensor> tensors = walk.take();
  GYRUS_CHECK(!tensors.empty(), Code::file_format, file,
              ": holds a dict without tensors that can be read; save the "
              "state dict with torch.save(model.state_dict(), path)");
  return tensors;
}

}  // namespace gyrus::io::torch
