import type { SystemEvent } from '#telemetry';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body where it is JSON. */
  readonly body: unknown;
}

export interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a token is made of. */
export interface TokenRequest {
  readonly name: string;
  readonly role: string;
  readonly scope?: object | undefined;
}

/** Speaks to a server over HTTP, with a token or without. */
export class Client {
  readonly #url: () => string;
  readonly #token: string | null;

  /** @param url asked at every call */
  constructor(url: () => string, token: string | null) {
    this.#url = url;
    this.#token = token;
  }

  as(token: string | null): Client {
    return new Client(this.#url, token);
  }

  /** The same, of another server. */
  at(url: string): Client {
    return new Client(() => url, this.#token);
  }

  async call(path: string, { method = 'GET', body, headers = {} }: Call = {}): Promise<Answer> {
    const raw = typeof body === 'string';
    const response = await fetch(new URL(path, this.#url()), {
      method,
      redirect: 'manual',
      headers: {
        ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : null,
    };
  }

  /** @returns the body of an answer that is no error, as the caller knows it */
  async read<Body>(path: string, call: Call = {}): Promise<Body> {
    const answer = await this.call(path, call);
    if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.body as Body;
  }

  /** As an admin: a token. One of this name, which a test made that is tried once more, is revoked first. */
  async makeToken(body: TokenRequest): Promise<{ readonly id: string; readonly secret: string }> {
    const tokens =
      await this.read<readonly { readonly id: string; readonly name: string }[]>('/api/v1/tokens');
    const taken = tokens.find(({ name }) => name === body.name);
    if (taken !== undefined) await this.read(`/api/v1/tokens/${taken.id}`, { method: 'DELETE' });
    const made = await this.read<{ readonly token: { readonly id: string }; readonly secret: string }>(
      '/api/v1/tokens',
      { method: 'POST', body },
    );
    return { id: made.token.id, secret: made.secret };
  }

  /** `status code` of the answer: `404 unknown_agent`. */
  async refusal(path: string, call: Call = {}): Promise<string> {
    const { status, body } = await this.call(path, call);
    return `${status} ${(body as { error?: string } | null)?.error ?? 'no error'}`;
  }

  /** Every event of a type and below, oldest first. */
  async events(types: string): Promise<readonly SystemEvent[]> {
    const found: SystemEvent[] = [];
    for (;;) {
      const after = found.at(-1)?.id ?? 0;
      const { events } = await this.read<{ events: SystemEvent[] }>(
        `/api/v1/events?types=${types}&order=oldest_first&limit=1000&after_id=${after}`,
      );
      found.push(...events);
      if (events.length < 1000) return found;
    }
  }
}
