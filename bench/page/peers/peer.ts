/** A library beside the engine: what its adapter is given, and how often it is called. */
import type { GpuCalls } from '../../peers/count.ts';
import type { Peer, Settings } from '../settings.ts';

export interface PeerContext {
  /** The picture of every side. */
  readonly blob: Blob;
  readonly software: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly say: (phase: string, part?: number) => void;
  readonly countCalls: () => GpuCalls;
}

/** A peer that the page's server found installed: its version, and where its files are. */
export interface Offer {
  readonly peer: Peer;
  readonly version: string;
  /** Address of its package's folder, ending in `/`. */
  readonly folder: string;
}

/** Calls after the cold one; `fewer` where a call takes minutes. */
export const peerCalls = ({ frames }: Settings, { software }: PeerContext, fewer = false): number =>
  frames > 0 ? Math.min(frames, software && fewer ? 1 : frames) : software ? (fewer ? 1 : 3) : 100;
