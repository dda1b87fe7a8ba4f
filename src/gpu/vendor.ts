/**
 * Who made the GPU, for browsers whose WebGPU does not say: Firefox names no vendor there, but in WebGL a GPU that is like the one at hand
 * ("Intel(R) HD Graphics, or similar").
 */

/** What makers' GPUs are called in WebGL, and the maker as WebGPU names it. */
const MAKERS: readonly (readonly [RegExp, string])[] = [
  [/nvidia|geforce|quadro/i, 'nvidia'],
  [/radeon|\bamd\b/i, 'amd'],
  [/adreno/i, 'qualcomm'],
  [/mali/i, 'arm'],
  [/apple/i, 'apple'],
  [/intel/i, 'intel'],
];

/** Where WebGL says nothing either (it is off, or pretends, to resist fingerprints): Mali's kernels need the fewest registers of phones'. */
const BY_SYSTEM: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'arm'],
  [/Mac/, 'apple'],
];

/** The vendor as WebGPU would name it; empty where nothing tells. */
export function vendorWithoutWebGpu(): string {
  return of(MAKERS, renderer()) ?? of(BY_SYSTEM, globalThis.navigator?.userAgent ?? '') ?? '';
}

const of = (names: typeof MAKERS, text: string): string | undefined => names.find(([name]) => name.test(text))?.[1];

/** Asks a WebGL context that is thrown away; it is of the GPU that WebGPU is asked for, too. */
function renderer(): string {
  if (typeof OffscreenCanvas === 'undefined') return '';
  const gl = new OffscreenCanvas(1, 1).getContext('webgl', { powerPreference: 'high-performance' });
  const name: unknown = gl?.getParameter(gl.RENDERER);
  gl?.getExtension('WEBGL_lose_context')?.loseContext(); // a page may hold only so many
  return typeof name === 'string' ? name : '';
}
