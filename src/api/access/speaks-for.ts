import { type Clock, type Grant, type Matcher, messageOf, OmoiError, type Sender } from '#telemetry';
import type { Role } from './roles.ts';
import { tokenSender } from './sender.ts';

/** For whom a token may speak beside itself, as it is kept and shown. */
export interface SpeaksFor {
  readonly pools: readonly string[];
  readonly agents: readonly string[];
  /** Of a target's `agent_id` and `pool_id`: `pool_id=~"mail-.*"`. */
  readonly matchers: readonly string[];
}

/** Reads `name="value"`; throws where the text is no matcher. */
export type MatcherParser = (text: string) => Matcher;

/** Of an agent token its scope says it. The others send nothing. */
const SENDING_ROLES: readonly Role[] = ['ingest', 'operator', 'admin'];
/** Looked at with each decision of the watchdog, and kept in memory. */
const MAX_GRANTS = 10_000;
const KNOWN_LABELS = ['agent_id', 'pool_id'];

interface KnownGrant {
  readonly tokenId: string;
  readonly grant: Grant;
  readonly expiresAtMs: number | null;
}

/** A token that may speak for others. */
interface Granted {
  readonly id: string;
  readonly name: string;
  readonly scope: { readonly agentIds: readonly string[] } | null;
  readonly speaksFor: SpeaksFor | null;
  readonly expiresAtMs: number | null;
}

/** For whom the living tokens speak, in memory: the watchdog asks in the middle of a decision. */
export class Grants {
  readonly #clock: Clock;
  readonly #parseMatcher: MatcherParser;
  readonly #bySender = new Map<Sender, KnownGrant>();

  constructor(clock: Clock, parseMatcher: MatcherParser) {
    this.#clock = clock;
    this.#parseMatcher = parseMatcher;
  }

  /** Null where the sender was given nothing, or its token has expired. */
  of(sender: Sender): Grant | null {
    const known = this.#bySender.get(sender);
    if (!known) return null;
    if (known.expiresAtMs !== null && known.expiresAtMs <= this.#clock.wallMs()) return null;
    return known.grant;
  }

  /** @throws OmoiError `invalid_request` where role and lists do not fit, or a matcher can't be read */
  check(role: Role, { matchers }: SpeaksFor): void {
    if (!SENDING_ROLES.includes(role)) {
      const message = `only tokens of the roles ${SENDING_ROLES.join(', ')} have one, not ${role}`;
      throw new OmoiError('invalid_request', `speaks_for: ${message}`);
    }
    if (this.#bySender.size >= MAX_GRANTS) {
      throw new OmoiError('invalid_request', `speaks_for: ${MAX_GRANTS} tokens have one; revoke some first`);
    }
    for (const text of matchers) this.#read(text);
  }

  /** A token of several agents speaks for each of them; one of a single agent or pool is a sender of that name. */
  add({ id, name, scope, speaksFor, expiresAtMs }: Granted): void {
    const agentIds = scope?.agentIds ?? [];
    if (speaksFor === null && agentIds.length < 2) return;
    const { pools, agents, matchers } = speaksFor ?? { pools: [], agents: agentIds, matchers: [] };
    const grant = { pools, agents, matchers: matchers.map((text) => this.#read(text)) };
    this.#bySender.set(tokenSender(name), { tokenId: id, grant, expiresAtMs });
  }

  remove(tokenId: string): void {
    for (const [sender, known] of this.#bySender) {
      if (known.tokenId === tokenId) this.#bySender.delete(sender);
    }
  }

  /** One of other labels would be of what telemetry says of itself. @throws OmoiError `invalid_request` */
  #read(text: string): Matcher {
    let matcher: Matcher;
    try {
      matcher = this.#parseMatcher(text);
    } catch (thrown) {
      const message = `speaks_for: "${text}" is no matcher like pool_id=~"mail-.*": ${messageOf(thrown)}`;
      throw new OmoiError('invalid_request', message);
    }
    if (KNOWN_LABELS.includes(matcher.name)) return matcher;
    const message = `speaks_for: "${text}" is about ${matcher.name}; matchers are about ${KNOWN_LABELS.join(' and ')}`;
    throw new OmoiError('invalid_request', message);
  }
}

export function writeSpeaksFor(speaksFor: SpeaksFor | null): string | null {
  return speaksFor === null ? null : JSON.stringify(speaksFor);
}

export function readSpeaksFor(text: string | null): SpeaksFor | null {
  // Written by `writeSpeaksFor` alone.
  return text === null ? null : (JSON.parse(text) as SpeaksFor);
}
