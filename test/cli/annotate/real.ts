/** `annotate` on lavapipe, in a process of its own. */
import { openDawn } from '../../dawn.ts';
import { load } from '../../engine/reduced.ts';
import { annotate, type FakeJob } from './fake.ts';

export async function annotateReal(job: FakeJob): Promise<void> {
  const { device } = await openDawn('lavapipe');
  await annotate(job, await load({ device }));
}
