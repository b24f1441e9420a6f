import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a link lets its holder do. */
export const LINK_ACTIONS = ['acknowledge', 'silence', 'acknowledge_message'] as const;

export type LinkAction = (typeof LINK_ACTIONS)[number];

/** What a link says: what it does to what, for whom it was made, and until when it counts. */
export interface LinkClaim {
  readonly action: LinkAction;
  /** The id of an alert; of `acknowledge_message` that of a message, whose alerts are meant. */
  readonly subject: string;
  /** Of `acknowledge_message`: of the alerts of its message the first so many are meant; all where absent. */
  readonly named?: number;
  /** The receiver that got it. */
  readonly receiver: string;
  /** Wall ms, whole seconds. */
  readonly expiresAtMs: number;
}

/** 128 bits: nobody finds one by trying. */
const SIGNATURE_BYTES = 16;
const VERSION = 1;
/** An alert's id and a receiver's name fit many times. */
export const maxTokenCharacters = 2_000;

/**
 * `BASE64URL(JSON).BASE64URL(MAC)`: the JSON list of version, action, subject, receiver, the second at which it expires and, where
 * it is not for all of its message, for how many, and the first 16 bytes of its HMAC-SHA-256.
 */
export function signLink(key: string, { action, subject, receiver, expiresAtMs, named }: LinkClaim): string {
  const said = [VERSION, action, subject, receiver, Math.floor(expiresAtMs / 1000)];
  if (named !== undefined) said.push(named);
  const body = Buffer.from(JSON.stringify(said)).toString('base64url');
  return `${body}.${signatureOf(key, body).toString('base64url')}`;
}

/** What a link says; null where it was not signed with this key. Whether it has expired is the caller's matter. */
export function readLink(key: string, token: string): LinkClaim | null {
  if (token.length > maxTokenCharacters) return null;
  const [body = '', signature = '', ...others] = token.split('.');
  const given = Buffer.from(signature, 'base64url');
  const wanted = signatureOf(key, body);
  if (others.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null;
  // Signed, so written by `signLink`, by this version or an older one.
  const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as unknown[];
  const [version, action, subject, receiver, expiresAt, named] = said;
  const known = LINK_ACTIONS.find((one) => one === action);
  if (version !== VERSION || known === undefined) return null;
  return {
    action: known,
    subject: String(subject),
    receiver: String(receiver),
    expiresAtMs: Number(expiresAt) * 1000,
    ...(named !== undefined && { named: Number(named) }),
  };
}

function signatureOf(key: string, body: string): Buffer {
  return createHmac('sha256', key).update(`omoi link ${body}`).digest().subarray(0, SIGNATURE_BYTES);
}
