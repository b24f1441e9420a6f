import { readTextFile } from '#server';

/** As much as of a file: what is piped in has no end where a mistake feeds it. */
const maxPipedBytes = 16_777_216;
const PIPED = '-';

/**
 * The text of what a person names on a command line: a regular file of bounded size, or `-` for what is piped in.
 * @param input the standard input
 * @throws Error where it is no regular file (a pipe might never end), is too large, or cannot be read
 */
export async function readNamedText(
  name: string,
  input: AsyncIterable<Uint8Array | string> = process.stdin,
): Promise<string> {
  return name === PIPED ? readPiped(input) : readTextFile(name);
}

async function readPiped(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const read = Buffer.from(chunk);
    bytes += read.length;
    if (bytes > maxPipedBytes) throw new Error(`more than ${maxPipedBytes} bytes are piped in`);
    chunks.push(read);
  }
  return Buffer.concat(chunks).toString('utf8');
}
