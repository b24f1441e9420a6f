import { stripVTControlCharacters } from 'node:util';

const MAX_LINES = 40;

/** The end of an output. Chunks are kept as they came until they are more than twice what is wanted of them. */
export class OutputTail {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk.length > this.#maxBytes ? chunk.slice(-this.#maxBytes) : chunk);
    this.#bytes += this.#chunks.at(-1)?.length ?? 0;
    if (this.#bytes <= 2 * this.#maxBytes && this.#chunks.length < this.#maxBytes) return;
    const end = Buffer.concat(this.#chunks).subarray(-this.#maxBytes);
    // A copy: a piece of a chunk would keep all of it.
    this.#chunks = [Uint8Array.from(end)];
    this.#bytes = end.length;
  }

  /** Its last lines for people to read, without what only moves a cursor or colours; the first may have lost its beginning. */
  get text(): string {
    const end = Buffer.concat(this.#chunks).subarray(-this.#maxBytes).toString('utf8');
    const lines = stripVTControlCharacters(end).replaceAll('\r\n', '\n').trimEnd().split('\n');
    return lines.slice(-MAX_LINES).join('\n');
  }
}
