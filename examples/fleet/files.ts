/** How many different files there are: what the workers write never outgrows them. */
export const FILE_COUNT = 500;

const MIN_BYTES = 48 * 1024;
const MAX_BYTES = 96 * 1024;
const WORDS =
  'agent alert anomaly claim fleet grace heartbeat lease lock metric phase policy pool queue rule span task trace'.split(
    ' ',
  );

/** `file-0` … `file-499`, from any text: the same text always names the same file. */
export function fileNameFor(text: string): string {
  return `file-${hash(text) % FILE_COUNT}`;
}

/** The content of a file, made up from its name alone: the same at every fetch. */
export function contentOf(name: string): Buffer {
  let state = hash(name);
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  const size = MIN_BYTES + (next() % (MAX_BYTES - MIN_BYTES));
  let text = '';
  while (text.length < size) text += `${WORDS[(next() >>> 16) % WORDS.length] ?? ''} ${next() >>> 20} `;
  return Buffer.from(text.slice(0, size));
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let place = 0; place < text.length; place++) {
    value = Math.imul(value ^ text.charCodeAt(place), 0x01000193) >>> 0;
  }
  return value;
}
