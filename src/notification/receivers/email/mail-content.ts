import { Readable } from 'node:stream';
import type { SharedStretch } from '#telemetry';
import { truncateCharacters } from '../truncation.ts';

/** A mail as it is meant. */
export interface Mail {
  /** The sender's address in the envelope. */
  readonly from: string;
  /** The recipients of the envelope. */
  readonly to: readonly string[];
  /** Shown to people, by their names as they are written: `Subject`, `To`, `X-Team`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** `<id@domain>`; null where a header says it. */
  readonly messageId: string | null;
  /** What it answers, so that programs show one thread; null: a thread of its own. */
  readonly threadId: string | null;
  readonly dateMs: number;
  /** '' where there is none. */
  readonly text: string;
  readonly html: string;
  /** The same mail is the same to the last byte: what the boundaries of its parts are made of. */
  readonly boundarySeed: string;
}

export interface ComposedMail {
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly content: Buffer;
}

/** What Omoi writes itself: a header of these in a configuration would contradict the mail. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'content-transfer-encoding',
  'mime-version',
  'bcc',
]);

/**
 * Composes a mail: names and subjects beyond ASCII encoded, lines at most 76 characters, domains beyond ASCII as Punycode. No
 * value can begin a header of its own.
 * @param writing what all messages that are being written share of a turn
 */
export async function composeMail(mail: Mail, writing: SharedStretch): Promise<ComposedMail> {
  const headers = mail.headers
    .filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()))
    .map(([key, value]) => ({ key, value: bounded(key, oneLine(value)) }));
  const hasDate = headers.some(({ key }) => key.toLowerCase() === 'date');
  // Not before there is a mail: it loads the client behind `fetch` too, 5 MB.
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  await writing.roomForPiece();
  const node = new MailComposer({
    headers,
    ...(mail.messageId === null ? {} : { messageId: mail.messageId }),
    ...(mail.threadId === null ? {} : { inReplyTo: mail.threadId, references: mail.threadId }),
    ...(hasDate ? {} : { date: new Date(mail.dateMs) }),
    ...(mail.html === '' ? {} : { html: { content: inSlices(mail.html, writing) } }),
    ...(mail.html !== '' && mail.text === '' ? {} : { text: { content: inSlices(mail.text, writing) } }),
    envelope: { from: mail.from, to: [...mail.to] },
    encoding: 'quoted-printable',
    newline: 'win',
    baseBoundary: mail.boundarySeed,
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  const { from, to } = node.getEnvelope();
  return { envelope: { from: from === false ? '' : from, to }, content: await node.build() };
}

/** A header has at most so many characters: servers cut or refuse what is longer, and it is encoded in one go. */
const maxHeaderCharacters = 32_768;

/** Addresses are not cut: half of one would be another one. */
const ADDRESS_HEADERS: ReadonlySet<string> = new Set(['from', 'sender', 'reply-to', 'to', 'cc']);

function bounded(name: string, value: string): string {
  return ADDRESS_HEADERS.has(name.toLowerCase()) ? value : truncateCharacters(value, maxHeaderCharacters);
}

/** Lines are folded between words; one may have 998 characters. */
const maxWordCharacters = 900;

/** What is encoded at a time: of a megabyte at once the loop would stand still for a tenth of a second. */
const sliceCharacters = 16_384;

/** A text for the encoder, which gets the next slice when there is room in a turn, for all mails together. */
function inSlices(text: string, writing: SharedStretch): Readable {
  return Readable.from(slicesOf(text, writing), { objectMode: false });
}

async function* slicesOf(text: string, writing: SharedStretch): AsyncGenerator<Buffer> {
  const whole = text.toWellFormed();
  for (let at = 0; at < whole.length;) {
    const isPair = (whole.codePointAt(at + sliceCharacters - 1) ?? 0) > 0xffff;
    const end = at + sliceCharacters + (isPair ? 1 : 0);
    await writing.roomForPiece();
    yield Buffer.from(whole.slice(at, end));
    at = end;
  }
}

/** Control characters and line breaks are spaces in a header. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll(/\S+/g, (word) => truncateCharacters(word, maxWordCharacters))
    .trim();
}
