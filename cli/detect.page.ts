/** The detector in the browser, as the command line calls it: `load` once, then `detect` for each picture. */
import { Mtcnn, type SearchOptions } from '../src/detect/mtcnn.ts';
import type { Searched } from './search.ts';

let detector: Mtcnn | undefined;

export async function load(options: SearchOptions): Promise<void> {
  detector = await Mtcnn.load({ weights: new URL('/mtcnn.safetensors', location.href), ...options });
}

export async function detect(picture: string): Promise<Searched> {
  if (!detector) throw new Error('load() comes first');
  const blob = await (await fetch(picture)).blob();
  const faces = await detector.detect(blob); // which says what is wrong with a picture
  const { width, height } = await createImageBitmap(blob);
  return { width, height, faces };
}
