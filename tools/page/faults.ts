/** What went wrong, said in the page: the code, the message, and what the person at the screen can do. */
import { type ErrorCode, FaceXFormerError } from '../../src/index.ts';
import { byId, make } from './dom.ts';

const ADVICE: Partial<Record<ErrorCode, string>> = {
  WEBGPU_UNAVAILABLE: 'Open the page in a current Chrome, Edge or Safari, by https or on localhost.',
  NO_ADAPTER: 'Turn on hardware acceleration in the browser’s settings, update the graphics driver, then reload the page.',
  LIMIT: 'Close other pages that use the GPU, or take a smaller picture.',
  DEVICE_LOST: 'The GPU stopped, perhaps after sleep or a driver’s update. Reload the page.',
  NO_CAMERA: 'Then press the button again.',
  BUSY: 'Wait for the answer that is under way.',
  GPU_ERROR: 'Reload the page; if it comes again, report it with the text above, the browser and the GPU.',
  BAD_PICTURE: 'Take another picture: PNG, JPEG, WebP and AVIF are read.',
  BAD_BOX: 'Drag a new box, or choose “Whole picture”.',
  BAD_WEIGHTS_FILE:
    'Put a whole safetensors file at weights/facexformer.safetensors, or add ?weights=seeded to the address to go on without.',
  WRONG_WEIGHTS: 'Put FaceXFormer’s weights at weights/facexformer.safetensors, or add ?weights=seeded to the address to go on without.',
  WEIGHTS_UNREACHABLE: 'See that the server still runs, then reload the page.',
};

const OTHER: Readonly<Record<string, string>> = {
  NotAllowedError: 'Allow this page to use the camera, in the browser’s address bar.',
  NotFoundError: 'Connect a camera.',
  NotReadableError: 'Close the other program that uses the camera.',
};

export function showFault(error: unknown): void {
  const { code, message } = wordsOf(error);
  const advice = error instanceof FaceXFormerError ? ADVICE[error.code] : OTHER[code];
  byId('faults', HTMLElement).replaceChildren(faultCard(code, message, advice));
}

export const wordsOf = (error: unknown): { code: string; message: string } => ({
  code: error instanceof FaceXFormerError ? error.code : error instanceof Error ? error.name : 'Error',
  message: error instanceof Error ? error.message : String(error),
});

/** A card with a button that takes it away; what the message has in backticks is code. */
export function faultCard(code: string, message: string, advice?: string): HTMLElement {
  const parts = message.split('`').map((part, i) => (i % 2 === 0 ? part : make('code', '', part)));
  const text = make('div', '', make('code', '', code), make('p', '', ...parts));
  if (advice) text.append(make('p', 'advice', advice));
  const close = make('button', '', 'Close');
  close.type = 'button';
  const card = make('div', 'fault', text, close);
  card.dataset['code'] = code;
  close.addEventListener('click', () => card.remove());
  return card;
}

export const clearFaults = (): void => byId('faults', HTMLElement).replaceChildren();
