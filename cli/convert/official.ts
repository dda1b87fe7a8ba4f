/** The authors' checkpoints: where they are, how it is known, and how it becomes a file that the engine reads. */
import type { RetryOptions } from '../../src/checkpoint/connection.ts';
import { FaceXFormerError } from '../../src/gpu/errors.ts';
import { type Converted, type ConvertOptions, convertBytes } from './convert.ts';
import { hashesOf } from './hash.ts';
import { type Address, openAddress } from './http.ts';
import { openFile, type RandomAccess } from './source.ts';

const repository = 'kartiknarayan/facexformer';
/** The revision that is pinned. */
const revision = 'd47f163fc21f0ee6bf6aba136867e0d673d0f808';

/** The released checkpoint. The hash is as third parties published it. */
export const OFFICIAL = {
  repository,
  url: `https://huggingface.co/${repository}/resolve/${revision}/ckpts/model.pt`,
  bytes: 1_104_869_851,
  sha256: '327a755849ba64d336fb96589ff87b27e84a12be1ecf8bcfaa503d66f803286d',
} as const;

/** SegFace's public weights of CelebAMask-HQ, of the encoders that the engine knows: an encoder and a side each. */
export const SEGFACE = {
  repository: 'kartiknarayan/SegFace',
  names: ['mobilenet_512', 'resnet_512', 'convnext_512', 'swinb_224', 'swinb_256', 'swinb_448', 'swinb_512'],
  /** No revision is pinned, and no hash is published: what the server itself says of the file is held to. */
  url: (name: string) => `https://huggingface.co/kartiknarayan/SegFace/resolve/main/${name.replace('_', '_celeba_')}/model_299.pt`,
} as const;

/** What a source must be for its weights to be taken. */
interface Identity {
  bytes: number;
  sha256: string;
}

export interface FetchOptions extends ConvertOptions {
  /** An address or a file; the authors' address unless given. */
  from?: string | undefined;
  /** Fetch the whole file and check its SHA-256, instead of the third of it that is needed, checked tensor by tensor. */
  whole?: boolean | undefined;
  /**
   * What the source must be: the official checkpoint unless given; `served` takes what an address's server says it is, by the SHA-256 in its ETag; null
   * takes anything.
   */
  identity?: Identity | 'served' | null | undefined;
  retry?: RetryOptions | undefined;
  /** Bytes fetched so far, and the file's. */
  onFetch?: ((bytes: number, size: number) => void) | undefined;
}

/**
 * Fetches a checkpoint and converts it to `out`. Broken off, it goes on where it stopped when it is called again.
 *
 * By ranges, the file's length must be the official one's, its name at the server (ETag), where it is a SHA-256, too, and every
 * tensor must have the checksum (CRC-32) that the file's own directory says. `whole` checks the SHA-256 of all bytes, where it is known.
 * @throws FaceXFormerError WEIGHTS_UNREACHABLE, BAD_WEIGHTS_FILE, WRONG_WEIGHTS, LIMIT, ABORTED
 */
export async function fetchWeights(
  out: string,
  { from = OFFICIAL.url, whole = false, identity: asked = OFFICIAL, ...options }: FetchOptions = {},
): Promise<Converted> {
  if (!/^https?:/i.test(from)) return convertLocal(from, out, asked === 'served' ? null : asked, options);
  const { signal, retry, onFetch } = options;
  const size = asked === 'served' ? undefined : asked?.bytes;
  const address = await openAddress(from, { partial: `${out}.download`, signal, retry, size, onProgress: onFetch });
  try {
    const identity = asked === 'served' ? servedIdentity(address) : asked;
    if (identity) checkEtag(address, identity);
    if (whole && identity) await checkHash(address, identity);
    const converted = await convertBytes(address, out, options);
    await address.forget();
    return converted;
  } catch (error) {
    // Damaged bytes would be found damaged again.
    if (error instanceof FaceXFormerError && error.code === 'BAD_WEIGHTS_FILE') await address.forget();
    throw error;
  } finally {
    await address.close();
  }
}

async function convertLocal(path: string, out: string, identity: Identity | null, options: ConvertOptions): Promise<Converted> {
  const bytes = await openFile(path);
  try {
    if (identity && bytes.size !== identity.bytes) throw otherFile(bytes, `has ${bytes.size} bytes instead of ${identity.bytes}`);
    if (identity) await checkHash(bytes, identity);
    return await convertBytes(bytes, out, options);
  } finally {
    await bytes.close();
  }
}

/** The Hugging Face hub names large files by their SHA-256. */
const hashServed = ({ etag }: Address): string | undefined => /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(etag ?? '')?.[1]?.toLowerCase();

function checkEtag(address: Address, { sha256 }: Identity): void {
  const hash = hashServed(address);
  if (hash !== undefined && hash !== sha256) throw otherFile(address, `is named ${hash} by its server, instead of ${sha256}`);
}

/** What a file's server says that it is. */
function servedIdentity(address: Address): Identity | null {
  const sha256 = hashServed(address);
  return sha256 === undefined ? null : { bytes: address.size, sha256 };
}

async function checkHash(bytes: RandomAccess, { sha256 }: Identity): Promise<void> {
  const found = await hashesOf(bytes);
  if (found.sha256 !== sha256) throw otherFile(bytes, `has the SHA-256 ${found.sha256} instead of ${sha256}`);
}

function otherFile({ name }: RandomAccess, what: string): FaceXFormerError {
  return new FaceXFormerError('BAD_WEIGHTS_FILE', `${name} is not the pinned checkpoint: it ${what}. To take it all the same, add --any.`);
}
