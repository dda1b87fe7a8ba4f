/** A result inside an address: JSON, deflated, in base64url after `#r=`. */
import { BadResult, type BenchResult, parseResult } from './result.ts';

const MARK = '#r=';
/** Longer addresses are cut off by chat programs and mail. */
const LONGEST_ADDRESS = 8_000;
/** What a shared address may unfold to, in bytes. */
const LARGEST = 2 ** 22;

/** The page's address with the settings and, where it stays short enough, the result. */
export async function shareAddress(
  page: string,
  query: string,
  result: BenchResult | undefined,
): Promise<{ address: string; whole: boolean }> {
  const base = `${page.split(/[?#]/)[0]}${query === '' ? '' : `?${query}`}`;
  if (!result) return { address: base, whole: false };
  const address = base + MARK + (await packed(result));
  return address.length <= LONGEST_ADDRESS ? { address, whole: true } : { address: base, whole: false };
}

/** The result in an address's part after `#`; undefined where there is none. @throws BadResult */
export async function sharedResult(hash: string): Promise<BenchResult | undefined> {
  if (!hash.startsWith(MARK)) return undefined;
  let content: string;
  try {
    content = await unfolded(
      Uint8Array.from(atob(hash.slice(MARK.length).replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)),
    );
  } catch (cause) {
    throw new BadResult(cause instanceof BadResult ? cause.message : 'the address is cut off or damaged', { cause });
  }
  return parseResult(content);
}

async function packed(result: BenchResult): Promise<string> {
  const deflated = new Blob([JSON.stringify(short(result))]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Five digits of every number that is no integer: more than any clock here has. */
function short(result: BenchResult): unknown {
  return JSON.parse(JSON.stringify(result), (_, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value,
  );
}

async function unfolded(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const decoder = new TextDecoder();
  let [content, size] = ['', 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return content + decoder.decode();
    size += value.length;
    if (size > LARGEST) throw new BadResult('it unfolds to more than any result has');
    content += decoder.decode(value, { stream: true });
  }
}
