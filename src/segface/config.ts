/** SegFace (arXiv 2412.08647) as a network: FaceXFormer's, but for its tokens, which are the classes of its parsing map. */
import type { TensorInfo, TensorList } from '../checkpoint/checkpoint.ts';
import { type Config, checkedConfig } from '../face/config.ts';
import { foreign } from '../face/forms.ts';
import { parsing } from '../face/readings/parsing.ts';
import type { TaskTable } from '../face/tasks.ts';
import { given } from '../gpu/given.ts';
import { backboneNamed, backboneOf } from '../model/backbones/index.ts';
import type { Head } from '../model/heads.ts';
import { tensorsOfNetwork } from '../model/network.ts';
import { parsingMap } from '../model/parsing.ts';
import { SEGFACE_CLASSES } from './labels.ts';

/** Side of the square that SegFace takes, in pixels, unless told otherwise: that of most of its public weights. */
export const SEGFACE_SIDE = 512;

/** The classes' embeddings, in their order, each under the official code's name. */
const TOKENS = [
  ...['background', 'neck', 'face', 'cloth', 'rightear', 'leftear', 'rightbro', 'leftbro', 'righteye', 'lefteye', 'nose'],
  ...['innermouth', 'lowerlip', 'upperlip', 'hair', 'glass', 'hat', 'earring', 'necklace'],
].map((name) => `${name}_token`);

/** The one head: its task bears the name of FaceXFormer's. Made when a network is: an app that lists classes carries none of it. */
const headOfClasses = (): Head => ({
  task: 'segmentation',
  tokens: TOKENS,
  count: TOKENS.length,
  path: 'output_hypernetwork_mlps',
  out: 32,
  build: parsingMap,
});

const TABLE: TaskTable = { segmentation: parsing(SEGFACE_CLASSES) };

/** Whether tensors are SegFace's, by a name that FaceXFormer has not. @throws FaceXFormerError BAD_OPTION: they are no Map */
export const isSegFace = (found: ReadonlyMap<string, unknown>): boolean =>
  given('Tensors are a Map by their names, as a checkpoint has them.', () => !!found.has('face_decoder.necklace_token.weight'));

/**
 * The configuration of a checkpoint's tensors, whichever encoder they have.
 * @param side of the square that the network takes, which no weights say
 * @throws FaceXFormerError WRONG_WEIGHTS naming what is wrong with them
 */
export function segFaceConfig(found: ReadonlyMap<string, TensorInfo>, side = SEGFACE_SIDE): Config {
  if (!isSegFace(found)) throw foreign(found, "SegFace's", 'no token of the necklace');
  return checkedConfig(found, { backbone: backboneOf(found), heads: [headOfClasses()], side }, TABLE);
}

/**
 * The tensors of SegFace by name: F32, but for int64 buffers.
 * @param encoder by its name, such as `mobilenet_v3_large`; `swin_b` unless given
 * @throws FaceXFormerError BAD_OPTION where no encoder has the name
 */
export function segFaceTensors(encoder = 'swin_b'): TensorList {
  return tensorsOfNetwork({ backbone: backboneNamed(encoder), heads: [headOfClasses()] });
}
