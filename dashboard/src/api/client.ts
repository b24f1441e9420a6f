import type { Contact } from './contact.ts';
import type { Session } from './wire.ts';

/** An error that the server answered with, by its stable code; `network_error` when there was no answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number;
  /** Where this server tells what the code says and what to do about it; null where it names no such place. */
  readonly docs: string | null;

  constructor(
    code: string,
    message: string,
    { status, docs = null }: { readonly status: number; readonly docs?: string | null },
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.docs = docs;
  }
}

/** The code where there was no answer, or none of Omoi's: a proxy's before it. */
const NO_ANSWER = 'network_error';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface CallOptions {
  readonly body?: object;
  readonly signal?: AbortSignal | undefined;
}

const CSRF_HEADER = 'x-omoi-csrf';

/** Speaks to the server that this page came from, as the session of its cookie. */
export class ApiClient {
  readonly #fetch: typeof fetch;
  readonly #contact: Pick<Contact, 'heard' | 'missed'>;
  #csrfToken: string | null = null;
  /** The server's clock minus the browser's, ms. */
  #clockOffsetMs = 0;

  /** @param contact is told of each answer, and of each that did not come */
  constructor(fetchFromServer: typeof fetch, contact: Pick<Contact, 'heard' | 'missed'>) {
    this.#fetch = fetchFromServer;
    this.#contact = contact;
  }

  /** Now by the server's clock, ms since epoch, to about a second. */
  nowMs(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  /** Who is logged in, or null. */
  async readSession(): Promise<Session | null> {
    try {
      return this.#keep(await this.get<Session>('/api/v1/session'));
    } catch (thrown) {
      if (thrown instanceof ApiError && thrown.status === 401) return null;
      throw thrown;
    }
  }

  async logIn(token: string): Promise<Session> {
    return this.#keep(await this.post<Session>('/api/v1/session', { token }));
  }

  async logOut(): Promise<void> {
    await this.#call('DELETE', '/api/v1/session');
    this.#csrfToken = null;
  }

  /**
   * @param signal ends the request: then it fails as one that the server did not answer
   * @throws ApiError
   */
  get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.#call('GET', path, { signal });
  }

  /** @throws ApiError */
  post<Answer>(path: string, body: object): Promise<Answer> {
    return this.#call('POST', path, { body });
  }

  /** @throws ApiError */
  put<Answer>(path: string, body: object): Promise<Answer> {
    return this.#call('PUT', path, { body });
  }

  /** @throws ApiError */
  delete<Answer>(path: string): Promise<Answer> {
    return this.#call('DELETE', path);
  }

  #keep(session: Session): Session {
    this.#csrfToken = session.csrf_token;
    return session;
  }

  async #call<Answer>(method: Method, path: string, { body, signal }: CallOptions = {}): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (method !== 'GET' && this.#csrfToken !== null) headers[CSRF_HEADER] = this.#csrfToken;
    const response = await this.#send(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    this.#readClock(response);
    const answer: unknown = response.status === 204 ? undefined : await response.json().catch(() => null);
    if (answer !== null && response.ok) return this.#heard(answer as Answer);
    const error = errorOf(answer, response.status);
    if (error.code === NO_ANSWER) this.#contact.missed();
    else this.#contact.heard();
    throw error;
  }

  #heard<Answer>(answer: Answer): Answer {
    this.#contact.heard();
    return answer;
  }

  /** A request that whoever asked has given up tells nothing of the server; one that took too long does. */
  async #send(path: string, init: RequestInit): Promise<Response> {
    try {
      // Called without a receiver: `fetch` refuses to be a method of anything but the window.
      const send = this.#fetch;
      return await send(path, init);
    } catch {
      if (init.signal?.aborted !== true || isTimeout(init.signal)) this.#contact.missed();
      throw new ApiError(NO_ANSWER, 'the server cannot be reached', { status: 0 });
    }
  }

  /** Small differences are the header’s own coarseness, and are left alone so that ages do not jump. */
  #readClock(response: Response): void {
    const servedAtMs = Date.parse(response.headers.get('date') ?? '');
    const offsetMs = servedAtMs - Date.now();
    this.#clockOffsetMs = Math.abs(offsetMs) > 2_000 ? offsetMs : 0;
  }
}

function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** Most answers say `{error: code, message}`; below `/prometheus/` they say `{errorType, error: message}`. */
function errorOf(answer: unknown, status: number): ApiError {
  const said = typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>) : {};
  const { error, message, errorType } = said;
  if (typeof error !== 'string') {
    return new ApiError(NO_ANSWER, `the server answered ${status} without saying why`, { status });
  }
  const told = { status, docs: explanationIn(said) };
  if (typeof message === 'string') return new ApiError(error, message, told);
  return new ApiError(typeof errorType === 'string' ? errorType : 'unknown', error, told);
}

/** Only a place below this server’s own docs: what stands between may answer in its name. */
function explanationIn({ docs }: Record<string, unknown>): string | null {
  return typeof docs === 'string' && docs.startsWith('/docs/') ? docs : null;
}
