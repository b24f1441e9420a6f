import type { ServerResponse } from 'node:http';
import type { EventQuery } from '#eventbus';
import {
  nextTurn,
  OmoiError,
  SerialQueue,
  type Clock,
  type SelfMetrics,
  type Subscription,
  type SystemEvent,
  type Timer,
} from '#telemetry';

/** Where live events come from. */
export interface EventSource {
  /** Called with each committed event from now on; the listener must not throw. */
  listen(listener: (event: SystemEvent) => void): Subscription;
  list(query: EventQuery): Promise<readonly SystemEvent[]>;
}

export interface EventStreamsParts {
  readonly events: EventSource;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
}

export interface StreamRequest {
  /** Where the bytes go; its head has been written. */
  readonly response: ServerResponse;
  /** The last event that the client has seen; null: from now on. */
  readonly lastEventId: number | null;
  readonly accepts: (event: SystemEvent) => boolean;
  /** Whether the caller may still listen; asked at each heartbeat and when a token or session has ended. */
  mayContinue(): Promise<boolean>;
}

/** Beyond this a new stream is refused. */
const maxStreams = 100;
/**
 * What a client leaves unread, or what happens while its page of the log is read: beyond that it is sent the rest from the
 * log, as fast as it reads.
 */
const maxUnreadBytes = 1_048_576;
/** A client that was away for more events than this, or falls behind by more, starts afresh instead. */
const maxResumedEvents = 5_000;
/** What is sent in one turn of the event loop: of large events fewer, so that one who reads is not taken for slow. */
const resumePageSize = 100;
const maxResumePageCharacters = 262_144;
const heartbeatMs = 15_000;
/** Heartbeats during which a client takes nothing of what is unread before it is closed: others may want its place. */
const maxBeatsUnread = 4;
/** How long a browser waits before it comes back. */
const reconnectMs = 2_000;

/**
 * Live events to many listeners, as server-sent events. Each message is one event with its id, after a first one of
 * nothing but the id to resume from; a comment every 15 s keeps the connection open; the message `reset` tells a client
 * that has missed too much to load anew.
 */
export class EventStreams {
  readonly #parts: EventStreamsParts;
  readonly #open = new Set<EventStream>();
  /** Many clients come back at once: what they have missed is read and sent page by page, one in each turn. */
  readonly #pages = new SerialQueue();
  readonly #slowClosed;
  #subscription: Subscription | null = null;
  #flushIsDue = false;

  constructor(parts: EventStreamsParts) {
    this.#parts = parts;
    const { metrics } = parts;
    metrics.gauge('omoi_api_event_streams', 'Open streams of live events.', () => this.#open.size);
    this.#slowClosed = metrics.counter(
      'omoi_api_event_streams_closed_slow_total',
      'Streams of live events that were closed because their client read nothing any more.',
    );
  }

  /** @throws OmoiError `too_many_streams`; ask before the head is written */
  checkRoom(): void {
    if (this.#open.size < maxStreams) return;
    throw new OmoiError('too_many_streams', `${maxStreams} streams of live events are open already`);
  }

  /**
   * Sends what was missed, then what happens; resolves when the client has left or the server stops.
   * @throws what reading the log was refused with
   */
  async run(request: StreamRequest): Promise<void> {
    const stream = new EventStream(request, {
      onStuck: () => this.#slowClosed.add(1),
      onBehind: (lastId) => void this.#sendMissed(stream, lastId).catch(() => stream.end()),
    });
    // The client may have left while it was being admitted: then its end has been told already.
    if (stream.ended) return;
    const closed = new Promise<void>((resolve) => {
      request.response.once('close', resolve);
    });
    this.#open.add(stream);
    this.#subscription ??= this.#parts.events.listen((event) => this.#publish(event));
    const heartbeat = this.#startHeartbeat(stream);
    try {
      stream.write(`retry: ${reconnectMs}\n\n`);
      await this.#resume(stream, request.lastEventId);
      await closed;
    } finally {
      heartbeat.cancel();
      this.#open.delete(stream);
      if (this.#open.size === 0) {
        this.#subscription?.stop();
        this.#subscription = null;
      }
      // Where the log could not be read: the client comes back when it can.
      stream.end();
    }
  }

  stop(): void {
    for (const stream of this.#open) stream.end();
  }

  /** Ends the streams whose caller may not listen any more: a token was revoked, or a session ended. */
  checkPermissions(): void {
    for (const stream of this.#open) void stream.checkPermission();
  }

  #publish(event: SystemEvent): void {
    if (this.#open.size === 0) return;
    const message = formatEvent(event);
    for (const stream of this.#open) stream.offer(event, message);
    this.#flushSoon();
  }

  /** What one commit brought is told at once: each stream writes it in one piece. */
  #flushSoon(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    queueMicrotask(() => {
      this.#flushIsDue = false;
      for (const stream of this.#open) stream.flush();
    });
  }

  /** Live events wait in the stream while the end of the log is read, so that none falls between the two. */
  async #resume(stream: EventStream, lastEventId: number | null): Promise<void> {
    if (lastEventId !== null) return this.#sendMissed(stream, lastEventId);
    stream.awaitEnd();
    // A client whose connection breaks before the first event resumes from here.
    stream.write(`id: ${await this.#newestId()}\n\n`);
    stream.goLive();
  }

  async #newestId(): Promise<number> {
    const [newest] = await this.#parts.events.list({ limit: 1, newestFirst: true });
    return newest?.id ?? 0;
  }

  /** Sends what comes after an event from the log, page by page as the client reads, and is live again at its end. */
  async #sendMissed(stream: EventStream, lastEventId: number): Promise<void> {
    await stream.drained();
    if (stream.ended) return;
    stream.awaitEnd();
    const newestId = await this.#newestId();
    const missed = newestId - lastEventId;
    if (missed < 0 || missed > maxResumedEvents) {
      // Too much to send again; or the client comes from another database, or one that a backup was put back into.
      stream.write(`id: ${newestId}\nevent: reset\ndata: {}\n\n`);
      stream.goLive();
      return;
    }
    let afterId = lastEventId;
    let limit = resumePageSize;
    for (let sent = 0; sent <= maxResumedEvents;) {
      const page = await this.#pages.run(() => this.#sendPage(stream, { afterId, limit }));
      if (stream.ended) return;
      afterId = page.lastId;
      sent += page.count;
      if (page.isLast && stream.hasAllSince) {
        stream.goLive();
        return;
      }
      // Where events are large, no more are read than are sent.
      limit = page.count < limit ? Math.max(page.count, 1) : Math.min(2 * limit, resumePageSize);
      // What happens until the next page is read is in the log by then.
      stream.forgetWaiting();
      await stream.drained();
    }
    stream.write('event: reset\ndata: {}\n\n');
    stream.goLive();
  }

  /** Sends what comes after an event, in part where it is large; nothing is read for a client that has left. */
  async #sendPage(
    stream: EventStream,
    { afterId, limit }: { readonly afterId: number; readonly limit: number },
  ): Promise<SentPage> {
    if (stream.ended) return { lastId: afterId, count: 0, isLast: true };
    stream.awaitEnd();
    const events = await this.#parts.events.list({ afterId, limit });
    let lastId = afterId;
    let count = 0;
    for (let characters = 0; count < events.length && characters < maxResumePageCharacters; count++) {
      const event = events[count];
      if (!event) break;
      const message = formatEvent(event);
      stream.send(event, message);
      characters += message.length;
      lastId = event.id;
    }
    stream.flush();
    await nextTurn();
    return { lastId, count, isLast: count === events.length && count < limit };
  }

  #startHeartbeat(stream: EventStream): Timer {
    return this.#parts.clock.every(heartbeatMs, () => {
      stream.beat();
      void stream.checkPermission();
    });
  }
}

/** What was sent of the log. */
interface SentPage {
  readonly lastId: number;
  readonly count: number;
  /** Nothing more was in the log. */
  readonly isLast: boolean;
}

interface StreamEnds {
  /** Called once its client reads nothing any more and it is closed for it. */
  onStuck(): void;
  /** Called when it has to be sent what comes after an event from the log. */
  onBehind(lastId: number): void;
}

/** One listener's connection. */
class EventStream {
  readonly #request: StreamRequest;
  readonly #ends: StreamEnds;
  /** Events that happen are sent, wait for the end of the log to be read, or are in what is read of it next. */
  #mode: 'live' | 'awaits_end' | 'behind' = 'behind';
  /** What happened while the end of the log was being read. */
  #waiting: { event: SystemEvent; message: string }[] = [];
  #waitingCharacters = 0;
  #lastSentId = 0;
  /** Messages that are written together. */
  #unsent = '';
  /** Bytes that the client, or the system's buffers for it, had taken at the last beat, and for how many beats no more. */
  #takenBytes = 0;
  #beatsUnread = 0;

  constructor(request: StreamRequest, ends: StreamEnds) {
    this.#request = request;
    this.#ends = ends;
  }

  get ended(): boolean {
    const { response } = this.#request;
    return response.writableEnded || response.destroyed || response.closed;
  }

  offer(event: SystemEvent, message: string): void {
    if (this.ended || this.#mode === 'behind') return;
    if (this.#mode === 'awaits_end') {
      this.#waitingCharacters += message.length;
      if (this.#waitingCharacters > maxUnreadBytes) this.forgetWaiting();
      else this.#waiting.push({ event, message });
      return;
    }
    const unread = this.#request.response.writableLength + this.#unsent.length;
    if (unread === 0 || unread + message.length <= maxUnreadBytes) {
      this.send(event, message);
      return;
    }
    // It may well keep up, and one commit have brought more than that.
    this.forgetWaiting();
    this.flush();
    this.#ends.onBehind(event.id - 1);
  }

  /** Whether what happened while the end of the log was read waits, and is not to be read from it too. */
  get hasAllSince(): boolean {
    return this.#mode === 'awaits_end';
  }

  /** What may be the end of the log is read: what happens from now on waits. */
  awaitEnd(): void {
    this.forgetWaiting();
    this.#mode = 'awaits_end';
  }

  /** It was not the end. */
  forgetWaiting(): void {
    this.#mode = 'behind';
    this.#waiting = [];
    this.#waitingCharacters = 0;
  }

  /** Call `flush` when there is no more of it for now. */
  send(event: SystemEvent, message: string): void {
    if (event.id <= this.#lastSentId) return;
    this.#lastSentId = event.id;
    if (this.#request.accepts(event)) this.#unsent += message;
  }

  goLive(): void {
    const waiting = this.#waiting;
    this.forgetWaiting();
    this.#mode = 'live';
    if (this.ended) return;
    for (const { event, message } of waiting) this.send(event, message);
    this.flush();
  }

  /** Keeps the connection open, and ends one whose client reads nothing any more. */
  beat(): void {
    const { socket, writableLength } = this.#request.response;
    const takenBytes = (socket?.bytesWritten ?? 0) - writableLength;
    const isStuck = writableLength > 0 && takenBytes <= this.#takenBytes;
    this.#takenBytes = takenBytes;
    this.#beatsUnread = isStuck ? this.#beatsUnread + 1 : 0;
    if (this.#beatsUnread >= maxBeatsUnread) this.#closeStuck();
    else this.write(': beat\n\n');
  }

  write(text: string): void {
    this.#unsent += text;
    this.flush();
  }

  flush(): void {
    const text = this.#unsent;
    this.#unsent = '';
    if (text === '' || this.ended) return;
    this.#request.response.write(text);
  }

  /** Resolves when the client has read on; at once where it keeps up or has left. */
  drained(): Promise<void> {
    const { response } = this.#request;
    if (this.ended || !response.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        response.off('drain', settle);
        response.off('close', settle);
        resolve();
      };
      response.on('drain', settle);
      response.on('close', settle);
    });
  }

  async checkPermission(): Promise<void> {
    if (!(await this.#request.mayContinue())) this.end();
  }

  end(): void {
    if (!this.ended) this.#request.response.end();
  }

  #closeStuck(): void {
    this.#ends.onStuck();
    this.#request.response.destroy();
  }
}

function formatEvent(event: SystemEvent): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
}
