/** What of a face is hidden, drawn on it: dots on the landmarks of each region that the task visibility calls occluded. */
import { VISIBILITY_REGIONS, type VisibilityRegion } from '../src/face/quality.ts';
import { type Face, LANDMARK_GROUPS } from '../src/index.ts';

/** The groups of landmarks that lie on a region. */
const ON: Readonly<Record<VisibilityRegion, readonly string[]>> = {
  'left eyebrow': ['left eyebrow'],
  'right eyebrow': ['right eyebrow'],
  'left eye': ['left eye'],
  'right eye': ['right eye'],
  nose: ['nose bridge', 'nose base'],
  mouth: ['outer lips', 'inner lips'],
  chin: [],
};
/** The jaw's points about the chin. */
const CHIN = [7, 8, 9];

export function drawHidden(ctx: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D, faces: readonly Face[]): void {
  ctx.fillStyle = 'rgba(214, 69, 69, 0.85)';
  for (const { landmarks, visibility, box } of faces) {
    if (!landmarks || !visibility) continue;
    const radius = (box.x1 - box.x0) / 70;
    for (const [region, points] of Object.entries(VISIBILITY_REGIONS)) {
      const hidden = points.filter((i) => visibility[i]?.occluded).length;
      if (2 * hidden <= points.length) continue;
      const groups = LANDMARK_GROUPS.filter(({ name }) => ON[region as VisibilityRegion].includes(name));
      const spans = groups.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
      for (const i of region === 'chin' ? CHIN : spans) {
        const point = landmarks[i];
        if (!point) continue;
        ctx.beginPath();
        ctx.arc(point.x + 0.5, point.y + 0.5, radius, 0, 2 * Math.PI);
        ctx.fill();
      }
    }
  }
}
