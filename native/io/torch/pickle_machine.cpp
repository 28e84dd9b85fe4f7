// The opcodes of protocols 2 to 5: operands from the bytes, values from and to the stack.
#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "io/torch/pickle.h"
#include "io/torch/pickle_builder.h"

namespace gyrus::io::torch {
namespace {

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, std::string_view file) : bytes_(bytes), builder_(bytes, file) {}

  Pickle run() {
    while (step()) {
    }
    builder_.require(marks_.empty() && stack_.size() == 1, "ends with other than one value");
    return builder_.finish(stack_[0], next_);
  }

 private:
  // One opcode; false after STOP.
  bool step() {
    builder_.set_position(next_);
    const auto opcode = static_cast<char>(number<std::uint8_t>());
    if (opcode == '.') return false;
    const bool is_known = run_constant(opcode) || run_text(opcode) || run_container(opcode) || run_memo(opcode) ||
                          run_call(opcode) || run_frame(opcode);
    builder_.require(is_known, "has an opcode that is not of protocols 2 to 5");
    return true;
  }

  std::size_t take(std::uint64_t count) {
    builder_.require(count <= bytes_.size() - next_, "breaks off");
    const std::size_t begin = next_;
    next_ += static_cast<std::size_t>(count);
    return begin;
  }
  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, bytes_.data() + take(sizeof(value)), sizeof(value));
    return value;
  }

  void push(ValueId value) { stack_.push_back(value); }
  // Values below the last mark are not the current opcode's.
  ValueId pop() {
    builder_.require(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "takes a value from an empty stack");
    const ValueId value = stack_.back();
    stack_.pop_back();
    return value;
  }
  ValueId top() {
    const ValueId value = pop();
    push(value);
    return value;
  }
  std::vector<ValueId> pop_to_mark() {
    builder_.require(!marks_.empty(), "takes values up to a mark that is not there");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<ValueId> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return values;
  }

  // Two's complement of `count` bytes. What needs more than eight is no size or shape: an opaque value.
  void push_long(std::uint64_t count) {
    const std::size_t begin = take(count);
    if (count > sizeof(std::int64_t)) return push(builder_.opaque(builder_.none()));
    std::uint64_t bits = 0;
    if (count > 0) std::memcpy(&bits, bytes_.data() + begin, static_cast<std::size_t>(count));
    if (count > 0 && count < sizeof(bits)) {
      const std::uint64_t sign = std::uint64_t{1} << (8 * count - 1);
      bits = (bits ^ sign) - sign;
    }
    push(builder_.integer(static_cast<std::int64_t>(bits)));
  }

  bool run_constant(char opcode) {
    switch (opcode) {
      case 'N':
        push(builder_.none());
        return true;
      case '\x88':
      case '\x89':
        push(builder_.boolean(opcode == '\x88'));
        return true;
      case 'K':
        push(builder_.integer(number<std::uint8_t>()));
        return true;
      case 'M':
        push(builder_.integer(number<std::uint16_t>()));
        return true;
      case 'J':
        push(builder_.integer(number<std::int32_t>()));
        return true;
      case '\x8a':
        push_long(number<std::uint8_t>());
        return true;
      case '\x8b':
        push_long(number<std::uint32_t>());
        return true;
      case 'G':  // a float: nothing that is asked for
        take(8);
        push(builder_.opaque(builder_.none()));
        return true;
      default:
        return false;
    }
  }

  void push_text(std::uint64_t size) {
    const std::size_t begin = take(size);
    push(builder_.text(begin, static_cast<std::size_t>(size)));
  }

  // Strings and bytes are not told apart: names are either, depending on the Python that wrote them.
  bool run_text(char opcode) {
    switch (opcode) {
      case 'U':
      case 'C':
      case '\x8c':
        push_text(number<std::uint8_t>());
        return true;
      case 'T':
      case 'X':
      case 'B':
        push_text(number<std::uint32_t>());
        return true;
      case '\x8d':
      case '\x8e':
      case '\x96':
        push_text(number<std::uint64_t>());
        return true;
      default:
        return false;
    }
  }

  bool run_container(char opcode) {
    switch (opcode) {
      case '(':
        marks_.push_back(stack_.size());
        return true;
      case ']':
      case ')':
      case '\x8f':
        push(builder_.sequence({}));
        return true;
      case '}':
        push(builder_.dict({}));
        return true;
      case 'l':
      case 't':
      case '\x91':
        push(builder_.sequence(pop_to_mark()));
        return true;
      case '\x85':
      case '\x86':
      case '\x87':
        push_tuple(static_cast<std::size_t>(opcode - '\x84'));
        return true;
      case 'd':
        push(builder_.dict({}));
        return run_items_of_new_dict();
      case 'a': {
        const ValueId item = pop();
        builder_.append(top(), {&item, 1});
        return true;
      }
      case 'e':
      case '\x90': {
        const std::vector<ValueId> items = pop_to_mark();
        builder_.append(top(), items);
        return true;
      }
      case 's': {
        const ValueId value = pop(), key = pop();
        const ValueId pair[] = {key, value};
        builder_.set_items(top(), pair);
        return true;
      }
      case 'u': {
        const std::vector<ValueId> items = pop_to_mark();
        builder_.set_items(top(), items);
        return true;
      }
      default:
        return false;
    }
  }

  void push_tuple(std::size_t size) {
    std::vector<ValueId> items(size);
    for (std::size_t index = size; index-- > 0;) items[index] = pop();
    push(builder_.sequence(std::move(items)));
  }

  bool run_items_of_new_dict() {
    const ValueId dict = pop();
    const std::vector<ValueId> items = pop_to_mark();
    builder_.set_items(dict, items);
    push(dict);
    return true;
  }

  void remember(std::uint64_t at) {
    // Places are given in turn, so that a place beyond the bytes read so far belongs to no honest program.
    builder_.require(at < next_, "remembers a value at a place that it cannot have reached");
    if (memo_.size() <= at) memo_.resize(static_cast<std::size_t>(at) + 1, kForgotten);
    memo_[static_cast<std::size_t>(at)] = top();
    remembered_ = std::max(remembered_, at + 1);
  }
  void recall(std::uint64_t at) {
    builder_.require(at < memo_.size() && memo_[static_cast<std::size_t>(at)] != kForgotten,
                     "recalls a value that it did not remember");
    push(memo_[static_cast<std::size_t>(at)]);
  }

  bool run_memo(char opcode) {
    switch (opcode) {
      case 'q':
        remember(number<std::uint8_t>());
        return true;
      case 'r':
        remember(number<std::uint32_t>());
        return true;
      case '\x94':
        remember(remembered_);
        return true;
      case 'h':
        recall(number<std::uint8_t>());
        return true;
      case 'j':
        recall(number<std::uint32_t>());
        return true;
      case '0':
        // POP just after a mark takes the mark, as Python's does.
        if (!marks_.empty() && marks_.back() == stack_.size()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return true;
      case '1':
        pop_to_mark();
        return true;
      case '2':
        push(top());
        return true;
      default:
        return false;
    }
  }

  // A line of GLOBAL, as a text.
  ValueId line() {
    const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(next_);
    const auto end = std::find(begin, bytes_.end(), std::byte{'\n'});
    builder_.require(end != bytes_.end(), "breaks off in a name");
    const auto size = static_cast<std::size_t>(end - begin);
    const ValueId text = builder_.text(take(size), size);
    take(1);
    return text;
  }

  void call_with_keywords() {
    pop();  // the keywords
    const ValueId arguments = pop();
    push(builder_.call(pop(), arguments));
  }

  bool run_call(char opcode) {
    switch (opcode) {
      case 'c': {
        const ValueId module = line();
        push(builder_.global(module, line()));
        return true;
      }
      case '\x93': {
        const ValueId name = pop();
        push(builder_.global(pop(), name));
        return true;
      }
      case 'R':
      case '\x81': {
        const ValueId arguments = pop();
        push(builder_.call(pop(), arguments));
        return true;
      }
      case '\x92':
        call_with_keywords();
        return true;
      case 'b':  // the state of an object: attributes, of which none is asked for
        pop();
        top();
        return true;
      case 'Q':
        push(builder_.persistent(pop()));
        return true;
      default:
        return false;
    }
  }

  bool run_frame(char opcode) {
    switch (opcode) {
      case '\x80':
        builder_.require(number<std::uint8_t>() <= 5, "is of a protocol above 5");
        return true;
      case '\x95':
        builder_.require(number<std::uint64_t>() <= bytes_.size() - next_, "has a frame that ends outside it");
        return true;
      default:
        return false;
    }
  }

  static constexpr ValueId kForgotten = ~ValueId{0};

  std::span<const std::byte> bytes_;
  PickleBuilder builder_;
  std::size_t next_ = 0;
  std::uint64_t remembered_ = 0;
  std::vector<ValueId> stack_, memo_;
  std::vector<std::size_t> marks_;  // heights of the stack
};

}  // namespace

Pickle read_pickle(std::span<const std::byte> bytes, std::string_view file) { return Machine(bytes, file).run(); }

}  // namespace gyrus::io::torch
