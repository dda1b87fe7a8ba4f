/**
 * The two-way transformer (paper section 3.2; official network/models/transformer.py, after Segment Anything's): task tokens and
 * face tokens attend to each other. Post-norm, width 256, 8 heads; cross-attention has an inner width of 128.
 */
import type { Tensor } from '../../graph/graph.ts';
import type { FaceToTaskShape } from '../../kernels/crossAttentionDirect.ts';
import type { TaskToFaceShape } from '../../kernels/taskToFace.ts';
import { taskToFaceMerge } from '../../kernels/taskToFaceMerge.ts';
import { tokenAttention } from '../../kernels/tokenAttention.ts';
import { type Code, DEPTH, embedded, HEADS, INNER, positionCode, projections, taskTokens, WIDTH } from '../codes.ts';
import type { Config } from '../config.ts';
import { lastOf, linear, type Rows, rowsOf, rowsOfTensor } from '../layers.ts';
import type { Decoded } from '../lowering.ts';
import type { Weights } from '../weights.ts';
import { norm, type PlainTarget } from './norm.ts';

/** Face tokens [side * side, 256] and the weights' task tokens, through two layers and the final attention. */
export function decode(t: PlainTarget, face: Tensor, config: Config, w: Weights): Decoded {
  const taskCode = taskTokens(config, w);
  const faceCode = positionCode(Math.sqrt(rowsOf(face.shape)));
  const transformer = w.at('transformer');
  let tasks: Rows = { operand: embedded(t, taskCode), rows: config.tokens, cols: WIDTH, stride: WIDTH };
  let image = face;
  for (let i = 0; i < DEPTH; i++) {
    const layer = decoderLayer(t, tasks, image, { taskCode, faceCode, first: i === 0 }, transformer.at('layers').at(i));
    tasks = rowsOfTensor(layer.tokens);
    image = layer.face;
    t.graph.tap(`decoder${i}.tokens`, layer.tokens, [1, config.tokens, WIDTH]);
    t.graph.tap(`decoder${i}.image`, image, [1, rowsOf(image.shape), WIDTH]);
  }
  const final = transformer.at('final_attn_token_to_image');
  const keys = projections(t, final.path, rowsOfTensor(image), INNER, [
    { w: final.at('k_proj'), code: faceCode },
    { w: final.at('v_proj') },
  ]);
  const attended = attendToFace(t, tasks, keys, taskCode, final);
  const tokens = norm(t, attended, transformer.at('norm_final_attn'));
  t.graph.tap('decoder.tokens', tokens, [1, config.tokens, WIDTH]);
  return { tokens, face: image };
}

interface Codes {
  readonly taskCode: Code;
  readonly faceCode: Code;
  readonly first: boolean;
}

function decoderLayer(t: PlainTarget, tasks: Rows, image: Tensor, { taskCode, faceCode, first }: Codes, w: Weights): Decoded {
  // 1. Task self-attention. The first layer's queries are the tokens themselves: no code, and no residual.
  const self = w.at('self_attn');
  const own = first ? undefined : taskCode;
  const qkv = projections(t, self.path, tasks, WIDTH, [
    { w: self.at('q_proj'), code: own },
    { w: self.at('k_proj'), code: own },
    { w: self.at('v_proj') },
  ]);
  const attended = t.graph.add(`${self.path}.attention`, tokenAttention, { tokens: tasks.rows, heads: HEADS }, { x: qkv }, [
    tasks.rows,
    WIDTH,
  ]);
  const selfOut = linear(t, rowsOfTensor(attended), self.at('out_proj'), WIDTH, { residual: first ? undefined : tasks });
  let tokens = norm(t, selfOut, w.at('norm1'));

  // 2. Task-to-face attention. The face's keys and values, and its queries for step 4, are one product.
  const toFace = w.at('cross_attn_token_to_image');
  const toTask = w.at('cross_attn_image_to_token');
  const face = projections(t, `${toFace.path} and back`, rowsOfTensor(image), INNER, [
    { w: toFace.at('k_proj'), code: faceCode },
    { w: toFace.at('v_proj') },
    { w: toTask.at('q_proj'), code: faceCode },
  ]);
  tokens = norm(t, attendToFace(t, rowsOfTensor(tokens), face, taskCode, toFace), w.at('norm2'));

  // 3. MLP
  const hidden = linear(t, rowsOfTensor(tokens), w.at('mlp.lin1'), 2048, { activation: 'relu' });
  tokens = norm(t, linear(t, rowsOfTensor(hidden), w.at('mlp.lin2'), WIDTH, { residual: rowsOfTensor(tokens) }), w.at('norm3'));

  // 4. Face-to-task attention
  const k = projections(t, `${toTask.path}.k_proj`, rowsOfTensor(tokens), INNER, [{ w: toTask.at('k_proj'), code: taskCode }]);
  const v = linear(t, rowsOfTensor(tokens), toTask.at('v_proj'), INNER);
  const shape: FaceToTaskShape = { queries: rowsOf(image.shape), tokens: tasks.rows, heads: HEADS, qStride: 3 * INNER, qOffset: 2 * INNER };
  const back = t.graph.add(`${toTask.path}.attention`, t.kernels.faceToTask, shape, { q: face, k, v }, [shape.queries, INNER]);
  return {
    tokens,
    face: norm(t, linear(t, rowsOfTensor(back), toTask.at('out_proj'), WIDTH, { residual: rowsOfTensor(image) }), w.at('norm4')),
  };
}

/** tasks + out_proj(attention of the tasks to the face); `keys` holds k in its first INNER columns and v in the next. */
function attendToFace(t: PlainTarget, tasks: Rows, keys: Tensor, code: Code, w: Weights): Tensor {
  const q = projections(t, `${w.path}.q_proj`, tasks, INNER, [{ w: w.at('q_proj'), code }]);
  const stride = lastOf(keys.shape);
  const shape: TaskToFaceShape = {
    tokens: tasks.rows,
    keys: rowsOf(keys.shape),
    heads: HEADS,
    kStride: stride,
    vStride: stride,
    vOffset: INNER,
  };
  const shares = t.kernels.sharesOf(shape);
  const parts = t.graph.add(`${w.path}.attention`, t.kernels.taskToFace, shape, { q, k: keys, v: keys }, [tasks.rows, HEADS, shares, 20]);
  const merged = t.graph.add(`${w.path}.merge`, taskToFaceMerge, { tokens: tasks.rows, heads: HEADS, shares }, { x: parts }, [
    tasks.rows,
    INNER,
  ]);
  return linear(t, rowsOfTensor(merged), w.at('out_proj'), WIDTH, { residual: tasks });
}
