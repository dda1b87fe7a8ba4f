/** The ready-made module worker: a page's `RemoteFaceXFormer` asks, an engine here answers. */
import { Mtcnn } from '../detect/mtcnn.ts';
import { FaceXFormer } from '../engine/facexformer.ts';
import { Engines } from './engines.ts';
import { type Detectors, isGreeting, serve } from './serve.ts';

const engines = new Engines((options) => FaceXFormer.load(options));
const detectors: Detectors = new Engines(({ onProgress: _, ...options }) => Mtcnn.load(options));

globalThis.addEventListener('message', ({ data }) => {
  if (isGreeting(data)) serve(data, engines, detectors);
});
