import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, OmoiError, type SystemEvent } from '#telemetry';
import { isTransient, unreached } from './server-address.ts';
import { openStream, type StreamSource } from './server-stream.ts';

/** What somebody hears who follows a server's events. */
export type FeedMessage =
  /** What happens from now on is told of; told once. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'event'; readonly event: SystemEvent }
  /** Too much happened while nobody listened: what is known has to be read anew. */
  | { readonly kind: 'missed' };

export interface FeedOptions {
  /** Event types or their dotted beginnings; empty: all. */
  readonly types: readonly string[];
  readonly signal: AbortSignal;
  /** Begins behind this event, and waits for a server that is not there yet; absent: with what happens from now on. */
  readonly afterId?: number;
  /** The longest wait between two attempts to connect. */
  readonly maxRetryMs?: number;
  /** When nothing comes for so long there is no connection any more; longer than the server is silent. */
  readonly maxSilenceMs?: number;
  /** Told when the connection breaks off, and when there is one again. */
  readonly onConnection: (state: 'lost' | 'back') => void;
}

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 5000;
/** The server says something every 15 s. */
const MAX_SILENCE_MS = 50_000;

/**
 * The events of a server as they happen. A connection that breaks off is made anew, and goes on behind the last event.
 * @throws OmoiError with the server's own code where it refuses, or `not_found` where it can't be reached at first
 */
export async function* followEvents(source: StreamSource, options: FeedOptions): AsyncGenerator<FeedMessage> {
  const { afterId, maxRetryMs = MAX_RETRY_MS } = options;
  let lastId = afterId === undefined ? null : String(afterId);
  let wasOpen = false;
  let isLost = false;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
    try {
      for await (const message of messagesOf(source, lastId, options)) {
        if (isLost) options.onConnection('back');
        isLost = false;
        retryMs = FIRST_RETRY_MS;
        if (!wasOpen) yield { kind: 'opened' };
        wasOpen = true;
        lastId = message.id ?? lastId;
        if (message.event === 'reset') yield { kind: 'missed' };
        else if (message.data !== '') yield { kind: 'event', event: JSON.parse(message.data) as SystemEvent };
      }
    } catch (thrown) {
      if (options.signal.aborted) return;
      const isFinal = thrown instanceof OmoiError && !isTransient(thrown);
      if ((!wasOpen && afterId === undefined) || isFinal) {
        throw thrown instanceof OmoiError ? thrown : unreached(`no server answers: ${messageOf(thrown)}`);
      }
    }
    if (options.signal.aborted) return;
    if (!isLost) options.onConnection('lost');
    isLost = true;
    await delay(retryMs, null, { signal: options.signal }).catch(() => null);
  }
}

interface StreamMessage {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

async function* messagesOf(
  source: StreamSource,
  lastId: string | null,
  { types, signal, maxSilenceMs = MAX_SILENCE_MS }: FeedOptions,
): AsyncGenerator<StreamMessage> {
  const silence = new AbortController();
  const path = `/api/v1/events/stream${types.length > 0 ? `?types=${types.join(',')}` : ''}`;
  const headers = { accept: 'text/event-stream', ...(lastId !== null && { 'last-event-id': lastId }) };
  const timer = setTimeout(() => silence.abort(new Error('the server is silent')), maxSilenceMs);
  try {
    // One that takes the connection and does not answer is silent, too.
    const pieces = await openStream(source, {
      path,
      headers,
      signal: AbortSignal.any([signal, silence.signal]),
    });
    let rest = '';
    for await (const piece of pieces) {
      timer.refresh();
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const message = readMessage(block);
        if (message) yield message;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html; null for a comment or a `retry` alone. */
function readMessage(block: string): StreamMessage | null {
  const message = { id: null as string | null, event: 'message', data: '' };
  let isMessage = false;
  for (const line of block.split('\n')) {
    const [, field = '', value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (field === '') continue;
    isMessage = true;
    if (field === 'data') message.data += message.data === '' ? value : `\n${value}`;
    else if (field === 'event') message.event = value;
    else message.id = value;
  }
  return isMessage ? message : null;
}
