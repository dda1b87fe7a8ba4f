import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as RolldownPlugin } from 'rolldown';
import type { Plugin as VitePlugin } from 'vite';

export function wgslTokens(text: string): string[];
export function minifiedWgsl(text: string): string;
/** The same, with short names for what is a function's own: what the package has. */
export function packagedWgsl(text: string): string;
export const wgslForEsbuild: EsbuildPlugin;
export const minifiedWgslForRolldown: RolldownPlugin;
export const wgslForVite: VitePlugin;
