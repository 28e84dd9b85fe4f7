// The operations: what each takes and gives. Builders append a node and return its (first) output.
// A: the compute dtype of activations, f32 or bf16. Parameters, statistics and parameter gradients are always f32;
// a backend converts and packs weights by itself ("f32 master weights"). `...` stands for any leading axes.
// Gradient ops are documented with their op; they are appended by passes/autodiff through the ops' gradient rules.
#pragma once

#include <optional>
#include <string>

#include "graph/graph.h"

namespace gyrus::graph {

// x [N, C, H, W] f32 -> [N, H, W, C] dtype. No gradient (x is an input).
ValueId to_channels_last(Graph&, ValueId x, DType dtype, std::string name);

// x [...] -> [...] dtype. Gradient: cast back.
ValueId cast(Graph&, ValueId x, DType dtype, std::string name);

// () -> [1] f32 holding `value`: the seed of a gradient. No gradient.
ValueId fill(Graph&, float value, std::string name);

// conv2d: x [N,H,W,Ci] A, w [Co,Ci,KH,KW] f32, bias? [Co] f32 -> y [N,OH,OW,Co] A; OH = (H + 2p - KH)/s + 1 (floor).
//   conv2d_grad_input (dy, w) -> dx [N,H,W,Ci] A          (attrs.input_height/width)
//   conv2d_grad_weight(x, dy) -> dw [Co,Ci,KH,KW] f32     (attrs.kernel_height/width)
//   bias: sum_rows(dy)
ValueId conv2d(Graph&, ValueId x, ValueId w, std::optional<ValueId> bias, int stride, int padding, std::string name);

// linear: x [...,K] A, w [O,K] (f32 parameter, or an activation of x's dtype), bias? [O] f32 -> y [...,O] A: y = x w^T
// + b.
//   With attrs.activation = gelu: outputs (y = gelu(pre), pre).
//   linear_grad_input (dy, w) -> dx [...,K] A
//   linear_grad_weight(x, dy) -> dw [O,K] f32
//   bias: sum_rows(dy)
ValueId linear(Graph&, ValueId x, ValueId w, std::optional<ValueId> bias, std::string name);

// sum_rows: x [...,C] A -> [C] f32. No gradient.
ValueId sum_rows(Graph&, ValueId x, std::string name);

// batch_norm (training): x [...,C] A, (gamma [C], beta [C])?, (running_mean [C], running_var [C])? mutated, residual?
// [...,C] A
//     -> y [...,C] A, mean [C] f32, inv_std [C] f32, with M = rows:
//   mean = sum x / M; var = sum (x-mean)^2 / M; inv_std = 1/sqrt(var + eps); y = gamma (x-mean) inv_std + beta
//   running <- (1-momentum) running + momentum * {mean, var*M/(M-1)}.    M < 2 is Code::batch_too_small at infer().
//   fused forms: y = relu(bn(x)), y = relu(bn(x) + residual)
//   batch_norm_grad: dy A, addend? A (has_addend), x A, gamma? f32, mean, inv_std, y? A (only if has_relu)
//     -> dx A, (dgamma f32, dbeta f32)? if has_affine, d_residual? A if has_residual (= masked dy)
//   g = (dy + addend) masked by y > 0; dbeta = sum g; dgamma = sum g xhat; dx = gamma inv_std (g - dbeta/M - xhat
//   dgamma/M)
struct BatchNormParameters {
  std::optional<ValueId> gamma, beta, running_mean, running_var;
};
ValueId batch_norm(Graph&, ValueId x, const BatchNormParameters&, float eps, float momentum, std::string name);

// batch_norm_inference: x [...,C] A, (gamma, beta)?, running_mean, running_var, residual? -> y A: with the running
// statistics, which are not changed; the same fused forms. No gradient.
ValueId batch_norm_inference(Graph&, ValueId x, const BatchNormParameters&, float eps, std::string name);

// layer_norm: x [...,D] A, gamma [D], beta [D], residual? [...,D] S -> y A, mean [rows] f32, inv_std [rows] f32, sum? S
//   fused form (has_residual): sum = x + residual; y = ln(sum). S is A, or f32: a residual stream.
//   layer_norm_grad: dy A, x S (the normalised input: `sum` in the fused form), gamma, mean, inv_std, addend? S
//   (has_addend)
//     -> dx S (+ addend), dgamma [D] f32, dbeta [D] f32, the same dx as A (has_rounded)
//   In the fused form the gradients of x and residual are both dx + grad(sum).
ValueId layer_norm(Graph&, ValueId x, ValueId gamma, ValueId beta, float eps, std::string name);

// relu: x A -> y A;  relu_grad(dy, y) -> dx = dy [y > 0].
ValueId relu(Graph&, ValueId x, std::string name);

// gelu, exact: y = x Phi(x);  gelu_grad(dy, x) -> dx = dy (Phi(x) + x phi(x)).
ValueId gelu(Graph&, ValueId x, std::string name);

// add: a [...] A, b [...] A of the same shape -> a + b. Gradient: passes through to both.
ValueId add(Graph&, ValueId a, ValueId b, std::string name);

// scale_rows: x [N,...] A, factors [R,N] f32 -> y_i = factors[branch, i] x_i, of x's type. No gradient to the factors;
//   that of x is scale_rows(dy, factors). Stochastic depth: a factor is 0, or 1 over the chance to be kept.
ValueId scale_rows(Graph&, ValueId x, ValueId factors, std::int64_t branch, std::string name);

// max_pool: x [N,H,W,C] A -> y [N,OH,OW,C] A, index [N,OH,OW,C] u8 (position in the window, row-major; the first
//   maximum wins; a NaN wins over numbers).   max_pool_grad(dy, index) -> dx [N,H,W,C] A.
ValueId max_pool(Graph&, ValueId x, int kernel, int stride, int padding, std::string name);

// global_avg_pool: x [N,H,W,C] A -> [N,C] A;   global_avg_pool_grad(dy) -> dx [N,H,W,C] A (attrs: PoolAttrs.input_*).
ValueId global_avg_pool(Graph&, ValueId x, std::string name);

// attention: qkv [N,T,3D] A, packed [Q|K|V], each heads-major -> y [N,T,D] A, probabilities [N,heads,T,T] A
//   P = softmax(Q K^T / sqrt(D/heads)); y = P V, heads concatenated.
//   attention_grad(dy, qkv, probabilities) -> dqkv [N,T,3D] A.
ValueId attention(Graph&, ValueId qkv, int heads, std::string name);

// embed_tokens: patches [N,GH,GW,D] A, cls [1,1,D] f32, pos [1,T,D] f32, T = GH*GW + 1 -> [N,T,D] A
//   row 0 = cls + pos[0]; row t = patch t-1 (row-major) + pos[t].
//   embed_tokens_grad(dy) -> dpatches [N,GH,GW,D] A, dcls [1,1,D] f32, dpos [1,T,D] f32.
ValueId embed_tokens(Graph&, ValueId patches, ValueId cls, ValueId pos, std::string name);

// concat_rows: a [N,D] A, b [M,D] A -> [N+M,D] A: a's rows, then b's.   concat_rows_grad(dy) -> da, db.
ValueId concat_rows(Graph&, ValueId a, ValueId b, std::string name);

// select_token: x [N,T,D] A -> x[:, index, :] [N,D];   select_token_grad(dy) -> [N,T,D], zero elsewhere.
ValueId select_token(Graph&, ValueId x, std::int64_t index, std::string name);

// l2_normalize: x [N,D] A -> y [N,D] f32, inv_norm [N] f32 = 1/max(|x|, eps); y = x inv_norm.
//   l2_normalize_grad(dy f32, y, inv_norm) -> dx A = inv_norm (dy - y (y . dy)).
ValueId l2_normalize(Graph&, ValueId x, float eps, std::string name);

// softmax_cross_entropy: logits [N,K] f32, labels? [N] i32 -> loss [1] f32, probabilities [N,K] f32, hits [1] f32
//   loss = loss_scale * mean_i CE(softmax(logit_scale * logits_i), label_i); hits = share of rows whose label has the
//   largest logit. With attrs.excludes_self row i is a softmax over all classes but i.
//   softmax_cross_entropy_grad(dloss [1], probabilities, labels?) -> dlogits [N,K] f32.
ValueId softmax_cross_entropy(Graph&, ValueId logits, std::optional<ValueId> labels, const CrossEntropyAttrs&,
                              std::string name);

// gradient_accumulate: inputs are the gradients, each already in the store's gradient arena; no outputs. In the parts
// of a step over micro-batches (backend::Hyper::part) the first sets the store's accumulator to the gradients, those
// between add to it, and the last adds it to the gradients, which the optimizer then takes.
NodeId gradient_accumulate(Graph&, std::vector<ValueId> gradients);
// soft_cross_entropy: logits [N,K] f32, targets [N,K] f32 -> loss [1] f32, probabilities [N,K] f32
//   loss = -sum_ik targets_ik log softmax(logits_i)_k: whoever makes the targets has divided them by the number of rows
//   or by the sum of the classes' weights. They are not asked to sum to anything; what a target of zero meets does not
//   count.   soft_cross_entropy_grad(dloss [1], probabilities, targets) -> dlogits [N,K] f32.
ValueId soft_cross_entropy(Graph&, ValueId logits, ValueId targets, std::string name);

// Optimizers: inputs are the gradients (role gradient), each already in the store's gradient arena; no outputs; one
// fused sweep over the store's flat arenas [master | gradient | slots]. lr, weight decay, step and the ema rate are
// read from Hyper at run time; which segments decay or adapt, and by how much their lr is scaled, is in the store's
// segment table. Formulas: math/{sgd,adamw,lars}.h.
NodeId sgd_update(Graph&, std::vector<ValueId> gradients, const SgdAttrs&);
NodeId adamw_update(Graph&, std::vector<ValueId> gradients, const AdamwAttrs&);
NodeId lars_update(Graph&, std::vector<ValueId> gradients, const LarsAttrs&);
// ema <- m ema + (1-m) parameter over every segment that has an ema copy. Inputs: all values of role ema, mutated.
NodeId ema_update(Graph&, std::vector<ValueId> ema);

}  // namespace gyrus::graph
