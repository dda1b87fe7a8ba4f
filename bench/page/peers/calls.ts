/** How often a peer is called. */
import type { Settings } from '../settings.ts';
import type { PeerContext } from './peers.ts';

/** Calls after the cold one; `fewer` where a call takes minutes. */
export const peerCalls = ({ frames }: Settings, { software }: PeerContext, fewer = false): number =>
  frames > 0 ? Math.min(frames, software && fewer ? 1 : frames) : software ? (fewer ? 1 : 3) : 100;
