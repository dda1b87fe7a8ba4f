/** An engine's life in a page whose GPU is taken away at one point of it; tells what came of it. */
import type { FaceXFormer } from '../../src/index.ts';
import { atNext, devicesFromNowOn } from '../../tools/devices.ts';
import { codeOf } from '../errors.ts';
import { load, numbersOf, picture } from './reduced.ts';

declare const crash: () => Promise<void>;

const unhandled: string[] = [];
addEventListener('unhandledrejection', ({ reason }) => unhandled.push(String(reason)));

const { devices } = devicesFromNowOn();

/** How the GPU goes: its process ends, or the device is destroyed. */
const LOSSES = { crash: () => crash(), destroy: async () => devices.at(-1)?.destroy() };

const numbers = async (engine: FaceXFormer, repeat = false) =>
  numbersOf(await engine.analyze(picture, { box: 'whole', tasks: ['gender'], repeat }));

/** Numbers of a life in which nothing happens. */
export const undisturbed = async () => {
  const engine = await load({ tasks: ['gender'] });
  return numbers(engine);
};

/** @returns what calls around the loss gave, what the next one gives, and what nobody caught */
export async function life(point: string, how: keyof typeof LOSSES) {
  const lose = LOSSES[how];
  let phase = '';
  if (point === 'compiling') atNext(GPUDevice.prototype, 'createComputePipelineAsync', lose);
  const engine = await load({
    tasks: ['gender'],
    onProgress: (progress) => {
      if (point === 'loading' && progress.phase === 'weights' && phase !== 'weights') void lose();
      phase = progress.phase;
    },
  });
  const { lost } = engine;
  let around: unknown;
  if (point === 'idle') {
    await lose();
    await (await lost).recovered;
  } else if (point === 'submit' || point === 'readback') {
    if (point === 'submit') atNext(GPUQueue.prototype, 'submit', lose);
    else atNext(GPUBuffer.prototype, 'mapAsync', lose);
    around = await codeOf(() => numbers(engine));
    await (await lost).recovered;
  } else if (point === 'frames') {
    const calls = Array.from({ length: 6 }, (_, i) => (i === 2 ? lose().then(() => numbers(engine, true)) : numbers(engine, true)));
    around = await Promise.all(calls);
    await (await lost).recovered;
  } else if (point === 'recovery') {
    atNext(GPUAdapter.prototype, 'requestDevice', () => new Promise((done) => setTimeout(() => done(lose()), 200)));
    await lose();
    await (await lost).recovered;
  } else if (point === 'disposed') {
    engine.dispose();
    await lose();
    return { after: await codeOf(() => numbers(engine)), unhandled };
  }
  const after = await numbers(engine).catch((error) => `${error.code} ${error.message}`);
  engine.dispose();
  await new Promise((done) => setTimeout(done, 100));
  return { around, after, unhandled };
}
