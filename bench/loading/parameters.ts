/** The making of the parameters alone: folds and packings, on one core, of seeded weights. */

import type { TensorInfo } from '../../src/checkpoint/checkpoint.ts';
import { toFloat16 } from '../../src/checkpoint/float16.ts';
import { fillSeeded, seededCheckpoint } from '../../src/checkpoint/seeded.ts';
import { safetensorsBytes } from '../../src/checkpoint/write.ts';
import { outputsOf } from '../../src/engine/programs.ts';
import { readConfig, tasksOf, tensorsOf } from '../../src/face/config.ts';
import type { Form } from '../../src/face/forms.ts';
import { makePlan } from '../../src/graph/plan.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { network } from '../../src/model/network.ts';
import { SEED } from '../../tools/reference.ts';
import { save } from '../../tools/save.ts';

const SHOWN = 10;

/** What the parameters of one kind took: milliseconds of the processor, how many there are, and how many numbers they hold. */
interface Kind {
  cpu: number;
  count: number;
  numbers: number;
}

/** Makes them all and prints what took longest, and the longest that nobody else could work. */
export function makeParameters(form: Form, dtype: Dtype): void {
  const tensors = tensorsOf(form);
  const config = readConfig(tensors);
  const outputs = outputsOf(tasksOf(config), true);
  const { parameters } = makePlan(network(config, { dtype }), outputs);
  const kinds = new Map<string, Kind>();
  let longest = { ms: 0, name: '' };
  for (const parameter of parameters) {
    const sources = parameter.from.map((name) => seeded(tensors.get(name) as TensorInfo));
    const begun = cpuTime();
    let since = begun;
    const pause = () => {
      const now = cpuTime();
      if (now - since > longest.ms) longest = { ms: now - since, name: parameter.name };
      since = now;
    };
    const values = new Float32Array(parameter.length);
    for (const _ of parameter.steps(values, sources)) pause();
    pause();
    if (parameter.dtype === 'f16') toFloat16(values, parameter.name);
    pause();
    const name = parameter.name.replace(/\.\d+/g, '.*').slice(0, 100);
    const { cpu = 0, count = 0, numbers = 0 } = kinds.get(name) ?? {};
    kinds.set(name, { cpu: cpu + since - begun, count: count + 1, numbers: numbers + parameter.length });
  }
  const sum = (of: keyof Kind) => [...kinds.values()].reduce((total, kind) => total + kind[of], 0);
  console.log(
    `${form}, ${dtype}: ${sum('count')} parameters of ${(sum('numbers') / 1e6).toFixed(1)} M numbers in ${sum('cpu').toFixed(0)} ms of one core,`,
  );
  console.log(`at most ${longest.ms.toFixed(0)} ms between two pauses: ${longest.name}`);
  for (const [name, { cpu, count, numbers }] of [...kinds].sort(([, a], [, b]) => b.cpu - a.cpu).slice(0, SHOWN))
    console.log(`${cpu.toFixed(0).padStart(6)} ms  ${(numbers / 1e6).toFixed(2).padStart(6)} M in ${count}  ${name}`);
}

/** Milliseconds of this process, which other processes do not lengthen. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function seeded(info: TensorInfo): Float32Array {
  const data = new ArrayBuffer(info.bytes);
  fillSeeded(info, SEED, new Uint8Array(data));
  return new Float32Array(data);
}

/** Seeded weights as a file. */
export async function weightsFile(form: Form, file: string): Promise<void> {
  await save(file, safetensorsBytes(seededCheckpoint(tensorsOf(form), SEED)));
}
