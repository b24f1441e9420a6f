import type { SystemEvent } from '#api';

/** How the stream of live events is doing. */
export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'ended';

export interface LiveListener {
  /** Events are told from now on, for the first time. */
  onOpen(): void;
  onEvent(event: SystemEvent): void;
  /** The stream broke off: the server may have gone. */
  onBreak(): void;
  /** Too much was missed: everything must be read anew. */
  onReset(): void;
}

/** The part of the browser's EventSource that is used. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message' | 'reset', listener: (message: MessageEvent<string>) => void): void;
  close(): void;
}

const CLOSED = 2;
/** The browser comes back by itself but for an answer that is no stream (the session ended, say). */
const retryMs = 5_000;

/** Events that the pages show. Claims and completions are read as numbers instead: there may be hundreds a second. */
export const SHOWN_TYPES =
  'monitor,notification,watchdog,fleet.agent,fleet.pool,fleet.task.failed,fleet.task.refused,fleet.task.released,fleet.task.parked,fleet.task.retried,fleet.task.cancelled';

/** One connection to the server's live events, with its state to show. */
export class LiveEvents {
  readonly #open: (url: string) => EventSourceLike;
  readonly #listener: LiveListener;
  readonly #watchers = new Set<() => void>();
  #source: EventSourceLike | null = null;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #state: LiveState = 'connecting';
  #lost = false;
  #wasOpen = false;

  constructor(open: (url: string) => EventSourceLike, listener: LiveListener) {
    this.#open = open;
    this.#listener = listener;
  }

  get state(): LiveState {
    return this.#state;
  }

  /** Calls `onChange` when the state has changed, until the returned function is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  start(): void {
    if (this.#state === 'ended') this.#become('connecting');
    const source = this.#open(`/api/v1/events/stream?types=${SHOWN_TYPES}`);
    this.#source = source;
    source.addEventListener('open', () => {
      // A new connection of ours cannot resume: what happened meanwhile is read again.
      if (this.#lost) this.#listener.onReset();
      else if (!this.#wasOpen) this.#listener.onOpen();
      this.#lost = false;
      this.#wasOpen = true;
      this.#become('live');
    });
    source.addEventListener('error', () => {
      this.#become('reconnecting');
      this.#listener.onBreak();
      if (source.readyState !== CLOSED) return;
      this.#lost = true;
      this.#retry = setTimeout(() => this.start(), retryMs);
    });
    source.addEventListener('message', ({ data }) => {
      // The server writes nothing else into its messages.
      this.#listener.onEvent(JSON.parse(data) as SystemEvent);
    });
    source.addEventListener('reset', () => this.#listener.onReset());
  }

  stop(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#source?.close();
    this.#lost = true;
    this.#become('ended');
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const watcher of this.#watchers) watcher();
  }
}
