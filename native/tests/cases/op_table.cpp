// Every kind of the list has a definition of its own, a name, and a function in the reference backend.
#include <set>
#include <string_view>

#include "backend/reference/kernel_table.h"
#include "graph/op_def.h"
#include "tests/harness/suites.h"

namespace gyrus::tests::suites {

void op_table(Suite& suite) {
  suite.test("every kind has a shape rule, a cost and a name of its own", [](Check& check) {
    std::set<std::string_view> names;
    for (int index = 0; index < graph::kOpKindCount; ++index) {
      const auto kind = static_cast<graph::OpKind>(index);
      const graph::OpDef& def = graph::op_def(kind);
      check.that(def.kind == kind, "op_def(", name_of(kind), ") is of the kind ", name_of(def.kind));
      check.that(def.infer != nullptr, name_of(kind), " has no shape rule");
      check.that(def.work != nullptr, name_of(kind), " has no cost");
      names.insert(name_of(kind));
    }
    check.equal(names.size(), static_cast<std::size_t>(graph::kOpKindCount), "different names");
  });
  suite.test("every kind has a naive function of its own", [](Check& check) {
    std::set<backend::reference::NaiveFunction> functions;
    for (int index = 0; index < graph::kOpKindCount; ++index) {
      functions.insert(backend::reference::naive_function(static_cast<graph::OpKind>(index)));
    }
    check.equal(functions.size(), static_cast<std::size_t>(graph::kOpKindCount), "different functions");
  });
}

}  // namespace gyrus::tests::suites
