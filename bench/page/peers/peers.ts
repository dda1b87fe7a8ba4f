/** Other libraries on the same picture, in the same page, one after the other: each loads, has a cold frame, and then as many as the engine had. */
import { throwIfAborted } from '../../../src/gpu/errors.ts';
import type { Measured, PeerResult } from '../result.ts';
import type { Settings } from '../settings.ts';
import type { Offer, PeerContext } from './peer.ts';

/** What is installed beside the page; none where its server tells nothing. */
export async function offers(): Promise<readonly Offer[]> {
  const response = await fetch('peers.json').catch(() => undefined);
  return response?.ok ? ((await response.json()) as Offer[]) : [];
}

/** Runs the peers that the settings name; one that fails or is missing says so and stops nothing. */
export async function runPeers(settings: Settings, context: PeerContext): Promise<Measured<PeerResult>[]> {
  const found = settings.peers.length > 0 ? await offers() : [];
  const results: Measured<PeerResult>[] = [];
  for (const peer of settings.peers) {
    throwIfAborted(context.signal);
    const offer = found.find((one) => one.peer === peer);
    if (!offer) {
      results.push({ skipped: `${peer} is not installed` });
      continue;
    }
    context.say(`Peer ${peer}`);
    try {
      results.push(await runPeer(offer, settings, context));
    } catch (error) {
      throwIfAborted(context.signal);
      results.push({ skipped: `${peer} failed: ${error instanceof Error ? error.message : error}` });
    }
  }
  return results;
}

async function runPeer(offer: Offer, settings: Settings, context: PeerContext): Promise<PeerResult> {
  if (offer.peer === 'ort-webgpu' || offer.peer === 'ort-wasm') {
    const { runOrt } = await import('./ort.ts');
    return runOrt(offer, settings, context);
  }
  const { runLandmarks } = await import('./landmarks.ts');
  return runLandmarks(offer, settings, context);
}
