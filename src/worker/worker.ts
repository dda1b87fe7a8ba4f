/** The ready-made module worker: a page's `RemoteFaceXFormer` asks, an engine here answers. */
import { FaceXFormer } from '../engine/facexformer.ts';
import { Engines } from './engines.ts';
import { isGreeting, serve } from './serve.ts';

const engines = new Engines((options) => FaceXFormer.load(options));

globalThis.addEventListener('message', ({ data }) => {
  if (isGreeting(data)) serve(data, engines);
});
