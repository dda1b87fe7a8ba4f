/** Numbers and names as a person reads them. */
import { SIZE } from '../../src/image/resize.ts';
import { type Kind, titleOf } from '../../tools/networks.ts';
import type { BenchResult, Machine } from './result.ts';

/** A time of so many milliseconds. */
export function milliseconds(value: number): string {
  if (value >= 9_999.5) return `${(value / 1000).toFixed(1)} s`;
  if (value >= 999.5) return `${(value / 1000).toFixed(2)} s`;
  if (value >= 99.5) return `${value.toFixed(0)} ms`;
  return value >= 1 ? `${value.toFixed(value < 9.995 ? 2 : 1)} ms` : `${(1000 * value).toFixed(value < 0.01 ? 1 : 0)} µs`;
}

export function bytesText(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} B`;
}

/** Three digits of a rate: GFLOP/s, GB/s, frames a second. */
export function rate(value: number): string {
  return value >= 99.5 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

export function adapterTitle({ adapter: { vendor, architecture, device, description, software } }: Pick<Machine, 'adapter'>): string {
  const name = description || device || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed GPU';
  return software ? `${name} (software)` : name;
}

export const weightsTitle = ({ source, form, encoder = 'swin_b', side = SIZE, untrained }: Omit<BenchResult['weights'], 'dtype'>): string =>
  `${source}${untrained ? ', untrained' : ''}, ${titleOf(form as Kind)}${encoder === 'swin_b' ? '' : ` on ${encoder}`}${side === SIZE ? '' : ` at ${side}`}`;
