/** What the classes of SegFace's parsing map mean. Source: the official code's order of CelebAMask-HQ's label files (datasets/celebamask_hq.py). */

/**
 * The classes in order, and a colour each (RGB); those that FaceXFormer has too bear its names and colours.
 *
 * Left and right mean the picture's sides, as a viewer sees an upright face that is not mirrored: classes 4, 6 and 8 lie on the right of the picture, 5, 7
 * and 9 on its left. So the official code calls its tokens (`rightear_token` is 4); CelebAMask-HQ's label files, on which the weights were trained, say the
 * person's sides (`l_ear`, `l_brow`, `l_eye` are 4, 6, 8), as the samples show that come with that set's code.
 */
export const SEGFACE_CLASSES = [
  { name: 'background', colour: [0, 0, 0] },
  { name: 'neck', colour: [255, 153, 102] },
  { name: 'skin', colour: [0, 153, 255] },
  { name: 'clothes', colour: [102, 102, 153] },
  { name: 'right ear', colour: [102, 178, 255] },
  { name: 'left ear', colour: [0, 102, 204] },
  { name: 'right eyebrow', colour: [0, 204, 153] },
  { name: 'left eyebrow', colour: [102, 255, 153] },
  { name: 'right eye', colour: [255, 255, 204] },
  { name: 'left eye', colour: [255, 255, 102] },
  { name: 'nose', colour: [255, 153, 0] },
  { name: 'inner mouth', colour: [102, 0, 51] },
  { name: 'lower lip', colour: [255, 204, 255] },
  { name: 'upper lip', colour: [255, 102, 255] },
  { name: 'hair', colour: [255, 0, 102] },
  { name: 'glasses', colour: [51, 204, 204] },
  { name: 'hat', colour: [153, 51, 255] },
  { name: 'earring', colour: [204, 255, 51] },
  { name: 'necklace', colour: [255, 204, 51] },
] as const;
export type SegFaceClass = (typeof SEGFACE_CLASSES)[number]['name'];
