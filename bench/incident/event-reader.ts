import type { SystemEvent } from '#telemetry';

const RETRY_MS = 200;

export interface EventReaderOptions {
  readonly url: string;
  readonly token: string;
  /** Event types or their beginnings. */
  readonly types: readonly string[];
  readonly onEvent: (event: SystemEvent) => void;
}

/** Reads the live events as a dashboard does; where the stream breaks it resumes after the last one. */
export class EventReader {
  readonly #options: EventReaderOptions;
  readonly #abort = new AbortController();
  #lastId: string | null = null;

  constructor(options: EventReaderOptions) {
    this.#options = options;
  }

  /** Resolves when the stream is open. */
  start(): Promise<void> {
    return new Promise((resolve) => void this.#read(resolve));
  }

  stop(): void {
    this.#abort.abort();
  }

  async #read(onOpen: () => void): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#readOnce(onOpen);
      } catch {
        // The server is away, or was too slow for its own stream: the log has what was missed.
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #readOnce(onOpen: () => void): Promise<void> {
    const { url, token, types } = this.#options;
    const response = await fetch(`${url}/api/v1/events/stream?types=${types.join(',')}`, {
      signal: this.#abort.signal,
      headers: {
        authorization: `Bearer ${token}`,
        ...(this.#lastId === null ? {} : { 'last-event-id': this.#lastId }),
      },
    });
    if (!response.ok || !response.body) throw new Error(`the event stream answered ${response.status}`);
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const messages = (rest + text).split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) this.#take(message);
      onOpen();
    }
  }

  #take(message: string): void {
    let data = '';
    for (const line of message.split('\n')) {
      if (line.startsWith('id: ')) this.#lastId = line.slice(4);
      else if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (data === '') return;
    const event = JSON.parse(data) as SystemEvent;
    if ('event_type' in event) this.#options.onEvent(event);
  }
}
