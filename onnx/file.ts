/** An ONNX graph as the bytes of a `ModelProto`, field numbers as in onnx/onnx.proto (IR version 8, opset 17). */
import { type Attribute, type Constant, count, type Graph, type Node, type Value } from './graph.ts';
import { type Bytes, byteLength, float, int, message, opening, string } from './protobuf.ts';

const IR_VERSION = 8;
const OPSET = 17;
const FLOAT = 1;
const INT64 = 7;

/** AttributeProto.AttributeType. */
const KIND = { float: 1, int: 2, string: 3, ints: 7 };

const INITIALIZER = 5;

/** Everything of the file but the weights; the weights' bytes follow it in `weights`' order, each after its opening. */
interface OnnxFile {
  readonly head: Bytes;
  /** What stands before the bytes of a weight. */
  opening(weight: Value): Bytes;
}

/** Lays the file out. Initializers may stand in any order, so the weights can be written as a checkpoint gives them. */
export function onnxFile(g: Graph, producer: string, source: string): OnnxFile {
  const graph: Bytes[] = [
    ...g.nodes.map((node) => message(1, nodeProto(node))),
    string(2, 'FaceXFormer'),
    ...[...g.constants.values()].map((constant) => message(INITIALIZER, constantProto(constant))),
    ...g.inputs.map((value) => message(11, valueInfo(value))),
    ...g.outputs.map((value) => message(12, valueInfo(value))),
  ];
  const weights = [...g.weights.values()].reduce((sum, weight) => sum + byteLength(weightOpening(weight)) + 4 * count(weight.shape), 0);
  const model: Bytes[] = [
    int(1, IR_VERSION),
    string(2, producer),
    message(8, string(1, ''), int(2, OPSET)),
    message(14, string(1, 'weights'), string(2, source)),
    opening(7, byteLength(graph) + weights),
    graph,
  ];
  return { head: model, opening: weightOpening };
}

function nodeProto({ op, inputs, output, attributes }: Node): Bytes {
  const fields = Object.entries(attributes).map(([name, value]) => message(5, string(1, name), attributeValue(value)));
  return [...inputs.map((name) => string(1, name)), string(2, output), string(3, output), string(4, op), ...fields];
}

function attributeValue(value: Attribute): Bytes {
  if (typeof value === 'number') return [int(3, value), int(20, KIND.int)];
  if (typeof value === 'string') return [string(4, value), int(20, KIND.string)];
  if ('float' in value) return [float(2, value.float), int(20, KIND.float)];
  return [...value.map((n) => int(8, n)), int(20, KIND.ints)];
}

function valueInfo({ name, shape }: Value): Bytes {
  const dimensions = shape.map((n) => message(1, int(1, n)));
  return [string(1, name), message(2, message(1, int(1, FLOAT), message(2, ...dimensions)))];
}

const tensorHead = ({ name, shape }: Value, type: number): Bytes => [...shape.map((n) => int(1, n)), int(2, type), string(8, name)];

function constantProto(constant: Constant): Bytes {
  const { data } = constant;
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [tensorHead(constant, data instanceof Float32Array ? FLOAT : INT64), message(9, raw)];
}

function weightOpening(weight: Value): Bytes {
  const bytes = 4 * count(weight.shape);
  const inside = [tensorHead(weight, FLOAT), opening(9, bytes)];
  return [opening(INITIALIZER, byteLength(inside) + bytes), inside];
}
