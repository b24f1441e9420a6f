import { messageOf, type Clock, type Logger, type Timer } from '#telemetry';
import type { ConfigurationWarning } from './in-force-warnings.ts';
import { isTaken, listening, type AskedAddress } from './listening.ts';

/** A collector that is stopped is followed soon, and one that stays costs nothing. */
export const TAKEN_RETRY_MS = 30_000;

export interface OtlpListenerParts {
  readonly address: AskedAddress;
  readonly open: (address: AskedAddress) => Promise<string>;
  /** Where OTLP is taken in any case: the address of the API. */
  readonly apiUrl: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * OTLP's own port. Where another program has it, often a collector, the server goes without it, says so, and tries it again
 * every 30 s: the API takes OTLP too.
 */
export class OtlpListener {
  readonly #parts: OtlpListenerParts;
  #url: string | null = null;
  #taken: ConfigurationWarning | null = null;
  #retry: Timer | null = null;
  #stopped = false;

  constructor(parts: OtlpListenerParts) {
    this.#parts = parts;
  }

  /** Null while another program has the port. */
  get url(): string | null {
    return this.#url;
  }

  get warnings(): readonly ConfigurationWarning[] {
    return this.#taken ? [this.#taken] : [];
  }

  /** @throws OmoiError `address_unavailable` where the address is no address of this machine, or may not be listened on */
  async start(): Promise<void> {
    const { address, open, apiUrl, logger } = this.#parts;
    try {
      this.#url = await listening('otlp', address, open);
      if (this.#taken) logger.info({ url: this.#url }, 'OTLP has its port now');
      this.#taken = null;
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
      const url = apiUrl();
      const isOurs = new URL(url).port === String(address.port);
      const why = isOurs
        ? `otlp.port: the API listens on port ${address.port} itself (http.port); choose another one, or set otlp.enabled: false`
        : messageOf(thrown);
      const message = `${why}; meanwhile OTLP is taken on ${url}`;
      if (!this.#taken) logger.warn({ key: 'otlp.port' }, message);
      this.#taken = { key: 'otlp.port', message };
      if (!this.#stopped) this.#retryLater();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
  }

  #retryLater(): void {
    const { clock, logger } = this.#parts;
    this.#retry = clock.after(TAKEN_RETRY_MS, () => {
      this.start().catch((thrown: unknown) =>
        logger.error({ error: messageOf(thrown) }, 'OTLP has no port of its own'),
      );
    });
  }
}
