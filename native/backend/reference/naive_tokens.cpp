// embed_tokens, select_token and concat_rows with their gradients: N batch, T tokens, D width.
#include "backend/reference/naive.h"

namespace gyrus::backend::reference {

void embed_tokens(const Call& call) {
  const Tensor &patches = call.in[0], &cls = call.in[1], &pos = call.in[2], &y = call.out[0];
  const std::int64_t tokens = y.shape[1], width = y.shape[2];
  for (std::int64_t at = 0; at < y.elements(); ++at) {
    const std::int64_t d = at % width, t = at / width % tokens, n = at / width / tokens;
    y[at] = pos[t * width + d] + (t == 0 ? cls[d] : patches[(n * (tokens - 1) + t - 1) * width + d]);
  }
}

void embed_tokens_grad(const Call& call) {
  const Tensor &dy = call.in[0], &dpatches = call.out[0], &dcls = call.out[1], &dpos = call.out[2];
  const std::int64_t tokens = dy.shape[1], width = dy.shape[2];
  dcls.fill(0);
  dpos.fill(0);
  for (std::int64_t at = 0; at < dy.elements(); ++at) {
    const std::int64_t d = at % width, t = at / width % tokens, n = at / width / tokens;
    dpos[t * width + d] += dy[at];
    if (t == 0)
      dcls[d] += dy[at];
    else
      dpatches[(n * (tokens - 1) + t - 1) * width + d] = dy[at];
  }
}

void concat_rows(const Call& call) {
  const Tensor &a = call.in[0], &b = call.in[1], &y = call.out[0];
  for (std::int64_t at = 0; at < y.elements(); ++at) y[at] = at < a.elements() ? a[at] : b[at - a.elements()];
}

void concat_rows_grad(const Call& call) {
  const Tensor &dy = call.in[0], &da = call.out[0], &db = call.out[1];
  for (std::int64_t at = 0; at < dy.elements(); ++at) (at < da.elements() ? da[at] : db[at - da.elements()]) = dy[at];
}

void select_token(const Call& call) {
  const Tensor &x = call.in[0], &y = call.out[0];
  const std::int64_t index = call.attrs_as<graph::TokenAttrs>().index, tokens = x.shape[1], width = x.shape[2];
  for (std::int64_t at = 0; at < y.elements(); ++at) y[at] = x[(at / width * tokens + index) * width + at % width];
}

void select_token_grad(const Call& call) {
  const Tensor &dy = call.in[0], &dx = call.out[0];
  const std::int64_t index = call.attrs_as<graph::TokenAttrs>().index, tokens = dx.shape[1], width = dx.shape[2];
  dx.fill(0);
  for (std::int64_t at = 0; at < dy.elements(); ++at) dx[(at / width * tokens + index) * width + at % width] = dy[at];
}

}  // namespace gyrus::backend::reference
