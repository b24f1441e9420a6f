import type { ConfiguredReceiver } from './notification-configuration.ts';
import type { Findings, NameSet } from './findings.ts';
import type { Escalation, OmoiSettings, OnCallSchedule } from './omoi-settings.ts';

/** What `x-omoi` may name. */
interface Named {
  readonly receivers: ReadonlyMap<string, ConfiguredReceiver>;
  readonly timeIntervals: NameSet;
}

/** Whether what `x-omoi` names is there. */
export function checkOmoi(omoi: OmoiSettings, named: Named, findings: Findings): void {
  const check = new OmoiCheck(omoi, named, findings);
  check.fallback();
  for (const [name, escalation] of omoi.escalations) check.escalation(name, escalation);
  for (const schedule of omoi.onCall.values()) check.schedule(schedule);
  for (const { name, receiver } of omoi.people.values()) {
    check.receiver(['x-omoi', 'people', name, 'receiver'], receiver, 'that people names');
  }
}

class OmoiCheck {
  readonly #omoi: OmoiSettings;
  readonly #named: Named;
  readonly #findings: Findings;

  constructor(omoi: OmoiSettings, named: Named, findings: Findings) {
    this.#omoi = omoi;
    this.#named = named;
    this.#findings = findings;
  }

  receiver(path: readonly (string | number)[], name: string, by: string): void {
    this.#findings.reference(path, { what: 'receiver', name, known: this.#named.receivers, by });
  }

  /** What is routed to an integration that is not built goes there: it has to be built itself. */
  fallback(): void {
    const { fallbackReceiver: name } = this.#omoi;
    if (name === null) return;
    const path = ['x-omoi', 'fallback_receiver'];
    this.receiver(path, name, 'as fallback_receiver');
    const receiver = this.#named.receivers.get(name);
    const unbuilt = receiver?.integrations.find(({ kind }) => kind.create === undefined);
    if (unbuilt) {
      this.#findings.problem(
        path,
        `receiver "${name}" has ${unbuilt.kind.key}, which Omoi does not send to yet`,
      );
    }
  }

  escalation(name: string, { steps, during }: Escalation): void {
    const path = ['x-omoi', 'escalation', name];
    steps.forEach(({ receiver }, index) => {
      if (receiver === null) return;
      this.receiver([...path, 'steps', index, 'receiver'], receiver, 'of an escalation');
    });
    this.#interval([...path, 'during'], during);
  }

  schedule({ name, layers }: OnCallSchedule): void {
    const path = ['x-omoi', 'on_call', name, 'layers'];
    layers.forEach(({ people, during }, layer) => {
      people.forEach((person, index) =>
        this.#findings.reference([...path, layer, 'people', index], {
          what: 'person',
          name: person,
          known: this.#omoi.people,
          by: 'on call; people are named under x-omoi.people',
        }),
      );
      this.#interval([...path, layer, 'during'], during);
    });
  }

  #interval(path: readonly (string | number)[], name: string | null): void {
    if (name === null) return;
    this.#findings.reference(path, { what: 'time interval', name, known: this.#named.timeIntervals });
  }
}
