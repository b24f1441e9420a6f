import { createHmac } from 'node:crypto';

import type { Clock, SharedStretch } from '#telemetry';

/**
 * The header by which a receiver knows that a message is Omoi's and has not been sent long ago:
 * `t=1796032801,v1=5257a8…`, where `v1` is the HMAC-SHA256, in hexadecimal, of `<t>.<body>` under the shared secret and `t` the time
 * of sending in seconds since the epoch. A receiver computes it of the bytes that it got, compares in constant time, and refuses what
 * is older than a few minutes.
 */
export async function signatureOf(
  body: readonly Uint8Array[],
  secret: string,
  { clock, writing }: { readonly clock: Pick<Clock, 'wallMs'>; readonly writing: SharedStretch },
): Promise<string> {
  const seconds = Math.floor(clock.wallMs() / 1000);
  const hmac = createHmac('sha256', secret).update(`${seconds}.`);
  await writing.run(addPieces(body, (piece) => hmac.update(piece)));
  return `t=${seconds},v1=${hmac.digest('hex')}`;
}

function* addPieces(body: readonly Uint8Array[], add: (piece: Uint8Array) => void): Generator<void, void> {
  for (const piece of body) {
    add(piece);
    yield;
  }
}
