import type { Role } from './roles.ts';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Base-62 digits that hold 256 bits: 62^43 > 2^256. */
const SECRET_DIGITS = 43;
const SECRET_BYTES = 32;
/** `omoi_`, the role, and enough digits to tell two tokens apart by eye. */
const SHOWN_DIGITS = 6;

const TOKEN_FORM = /^omoi_(?:ingest|agent|viewer|operator|admin)_[0-9A-Za-z]{43}$/;
const SECRET_FORM = /^[0-9A-Za-z]{43}$/;

/** 256 bits of the system's randomness in base 62. */
export function createSecret(): string {
  let rest = BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`);
  let text = '';
  for (let place = 0; place < SECRET_DIGITS; place++) {
    text = ALPHABET.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return text;
}

/** A token as its owner sees it, once: `omoi_<role>_<43 digits of base 62>`. */
export function createTokenSecret(role: Role): string {
  return `omoi_${role}_${createSecret()}`;
}

/** Whether a text has the form of a token. Says nothing about whether it is one. */
export function isTokenForm(text: string): boolean {
  return TOKEN_FORM.test(text);
}

/** Whether a text has the form of a session cookie's value or a login code. */
export function isSecretForm(text: string): boolean {
  return SECRET_FORM.test(text);
}

/** What may be shown of a token for good. */
export function shownPrefix(token: string): string {
  return token.slice(0, token.lastIndexOf('_') + 1 + SHOWN_DIGITS);
}

/**
 * SHA-256 in hex: what is kept of a secret. A plain hash is enough because a secret is 256 bits of chance;
 * there is nothing to guess that stretching could protect.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether two texts are equal, in a time that does not tell where they differ. */
export function equalInConstantTime(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The CSRF token of a session: derived from its cookie, so that it needs no storage of its own. */
export function csrfTokenOf(sessionSecret: string): string {
  return createHash('sha256').update(`omoi-csrf ${sessionSecret}`).digest('base64url');
}
