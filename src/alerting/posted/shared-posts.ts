import { allSettled, fingerprintOf, isRetryable, type SerialQueue } from '#telemetry';
import type { PostedAlert, PostedFrom } from './posted-alert.ts';

/** Alerts that are written in one transaction. */
export const maxAlertsPerWrite = 200;

/** What somebody has posted in one request, or a part of it. */
export interface Post {
  readonly alerts: readonly PostedAlert[];
  readonly from: PostedFrom;
}

interface Waiting extends Post {
  readonly fingerprints: ReadonlySet<string>;
  readonly resolve: (problems: readonly string[]) => void;
  readonly reject: (thrown: unknown) => void;
}

/**
 * Lets posts that wait for an earlier one share a transaction, so that each costs a fraction of the way to the disk: a
 * Prometheus posts 64 alerts at once, and 10,000 of them one request after the other. In the order in which they came. Posts that
 * name the same label set are not written together: each of its episodes is one.
 */
export class SharedPosts {
  readonly #queue: SerialQueue;
  readonly #write: (posts: readonly Post[]) => Promise<readonly (readonly string[])[]>;
  readonly #waiting: Waiting[] = [];

  /** @param write all of them or none; why some alerts of each were not taken. At most 200 alerts, each label set in one post */
  constructor(
    queue: SerialQueue,
    write: (posts: readonly Post[]) => Promise<readonly (readonly string[])[]>,
  ) {
    this.#queue = queue;
    this.#write = write;
  }

  /** @returns why some were not taken. @throws what `write` throws */
  async take({ alerts, from }: Post): Promise<readonly string[]> {
    const written: Promise<readonly string[]>[] = [];
    for (let at = 0; at < alerts.length; at += maxAlertsPerWrite) {
      written.push(this.#share({ alerts: alerts.slice(at, at + maxAlertsPerWrite), from }));
    }
    return (await allSettled(written)).flat();
  }

  #share(post: Post): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const fingerprints = new Set(post.alerts.map(({ labels }) => fingerprintOf(labels)));
    this.#waiting.push({ ...post, fingerprints, resolve, reject });
    void this.#queue.run(() => this.#writeSome());
    return promise;
  }

  /** Never rejects. */
  async #writeSome(): Promise<void> {
    const together = this.#takeSome();
    if (together.length === 0) return;
    try {
      const problems = await this.#write(together);
      together.forEach(({ resolve }, place) => resolve(problems[place] ?? []));
    } catch (thrown) {
      if (together.length === 1 || isRetryable(thrown)) for (const { reject } of together) reject(thrown);
      // A bad one fails alone.
      else for (const one of together) await this.#writeAlone(one);
    }
  }

  async #writeAlone(one: Waiting): Promise<void> {
    try {
      const [problems = []] = await this.#write([one]);
      one.resolve(problems);
    } catch (thrown) {
      one.reject(thrown);
    }
  }

  #takeSome(): readonly Waiting[] {
    const fingerprints = new Set<string>();
    let alerts = 0;
    let count = 0;
    for (const one of this.#waiting) {
      alerts += one.alerts.length;
      if (count > 0 && (alerts > maxAlertsPerWrite || !one.fingerprints.isDisjointFrom(fingerprints))) break;
      for (const fingerprint of one.fingerprints) fingerprints.add(fingerprint);
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
