import type { EventBus } from '#eventbus';
import type { StateTransaction } from '#storage';
import { type NewSystemEvent, toRfc3339 } from '#telemetry';
import { formatMatchers } from '../configuration/matchers/index.ts';
import type { Silence, SilenceEnd } from './silence.ts';
import { rowOfSilence } from './silence-rows.ts';

/** Writes silences, each change with its event. */
export class SilenceLog {
  readonly #bus: EventBus;

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** @param replaces the silence whose place it takes */
  async create(tx: StateTransaction, silence: Silence, replaces: string | null): Promise<void> {
    await tx.db.insertInto('silences').values(rowOfSilence(silence)).execute();
    await this.#bus.append(tx, {
      ...about(silence),
      event_type: 'notification.silence.created',
      payload: { ...refOf(silence), ...termsOf(silence), replaces },
    });
  }

  async change(tx: StateTransaction, silence: Silence): Promise<void> {
    await this.#update(tx, silence);
    await this.#bus.append(tx, {
      ...about(silence),
      event_type: 'notification.silence.changed',
      payload: { ...refOf(silence), ...termsOf(silence) },
    });
  }

  /** @param warned with its `warnedAtMs` */
  async tellEnding(tx: StateTransaction, warned: Silence): Promise<void> {
    await this.#update(tx, warned);
    await this.#bus.append(tx, {
      ...about(warned),
      event_type: 'notification.silence.ending',
      payload: refOf(warned),
    });
  }

  async end(tx: StateTransaction, ended: Silence, { cause, by, replacedBy }: SilenceEnd): Promise<void> {
    await this.#update(tx, ended);
    await this.#bus.append(tx, {
      ...about(ended),
      event_type: 'notification.silence.expired',
      payload: { ...refOf(ended), cause, ended_by: by, replaced_by: replacedBy },
    });
  }

  async #update({ db }: StateTransaction, silence: Silence): Promise<void> {
    const { id, ...row } = rowOfSilence(silence);
    await db.updateTable('silences').set(row).where('id', '=', id).execute();
  }
}

function about({ id }: Silence): Pick<NewSystemEvent, 'entity_type' | 'entity_id' | 'traceparent'> {
  return { entity_type: 'silence', entity_id: id, traceparent: null };
}

function refOf(silence: Silence) {
  return {
    silence_id: silence.id,
    matchers: silence.matcherSets.map(formatMatchers),
    created_by: silence.createdBy,
    comment: silence.comment,
    starts_at: toRfc3339(silence.startsAtMs),
    ends_at: toRfc3339(silence.endsAtMs),
  };
}

function termsOf({ setBy, untilResolved }: Silence) {
  return { set_by: setBy, until_resolved: untilResolved };
}
