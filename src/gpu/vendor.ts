/**
 * Who made the GPU, where WebGPU does not say it in words: wgpu gives no vendor in Firefox, whose WebGL names a GPU that is like the one at hand ("Intel(R)
 * HD Graphics, or similar"), and in Deno a number, but the GPU's own name ("Apple M1") as its description.
 */

/** What makers' GPUs are called there, and the maker as WebGPU names it. */
const MAKERS: readonly (readonly [RegExp, string])[] = [
  [/nvidia|geforce|quadro/i, 'nvidia'],
  [/radeon|\bamd\b/i, 'amd'],
  [/adreno/i, 'qualcomm'],
  [/mali/i, 'arm'],
  [/powervr/i, 'img-tec'],
  [/videocore|v3d/i, 'broadcom'],
  [/xclipse/i, 'samsung'],
  [/apple/i, 'apple'],
  [/intel/i, 'intel'],
];

/** Where WebGL says nothing either (it is off, or pretends, to resist fingerprints): Mali's kernels need the fewest registers of phones'. */
const BY_SYSTEM: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'arm'],
  [/Mac/, 'apple'],
];

/** Whether an adapter's vendor is told in wgpu's way, and so which compiler its kernels go through. */
export const isOfWgpu = (vendor = ''): boolean => /^\d*$/.test(vendor);

/**
 * What is called so is a part of AMD's processors, whose memory it shares ("AMD Radeon(TM) Graphics", "AMD Radeon 780M Graphics"). WebGPU names its
 * architecture alone, which cards have, too.
 */
const INTEGRATED = /radeon(\(tm\))? (graphics|\d{3,4}[ms]\b)|custom gpu/i;

/** The vendor as WebGPU would name it, empty where nothing tells, and whether the GPU is known for a part of a processor. */
export function makerOf({ vendor, description }: { vendor: string; description?: string }): { vendor: string; integrated: boolean } {
  const isUnnamed = isOfWgpu(vendor);
  const name = isUnnamed || vendor === 'amd' ? description || renderer() : '';
  const maker = isUnnamed ? (of(MAKERS, name) ?? of(BY_SYSTEM, globalThis.navigator?.userAgent ?? '') ?? '') : vendor;
  return { vendor: maker, integrated: maker === 'amd' && INTEGRATED.test(name) };
}

const of = (names: typeof MAKERS, text: string): string | undefined => names.find(([name]) => name.test(text))?.[1];

/** Asks a WebGL context that is thrown away; it is of the GPU that WebGPU is asked for, too. */
function renderer(): string {
  if (typeof OffscreenCanvas === 'undefined') return '';
  const gl = new OffscreenCanvas(1, 1).getContext('webgl', { powerPreference: 'high-performance' });
  const said: unknown = gl?.getParameter(gl.RENDERER);
  // Chrome says "WebKit WebGL" there; Firefox complains of who asks for more.
  const more = said === 'WebKit WebGL' ? gl?.getExtension('WEBGL_debug_renderer_info') : undefined;
  const name: unknown = more ? gl?.getParameter(more.UNMASKED_RENDERER_WEBGL) : said;
  gl?.getExtension('WEBGL_lose_context')?.loseContext(); // a page may hold only so many
  return typeof name === 'string' ? name : '';
}
