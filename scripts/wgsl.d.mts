import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';

export function strippedWgsl(text: string): string;
export const wgslForEsbuild: EsbuildPlugin;
export const wgslForVite: VitePlugin;
