import { copyLabels, type Labels } from '#telemetry';
import type { ReceiverKind } from '../receivers/receiver-kind.ts';
import { isOmoiKind, receiverHeadSchema } from './configuration-schema.ts';
import { isMapping, itemsOf, type Findings, type NameSet, type Path } from './findings.ts';
import type { GlobalSettings } from './global-settings.ts';
import type { ConfiguredIntegration, ConfiguredReceiver } from './notification-configuration.ts';
import { receiverExtras, receiverExtrasSchema } from './omoi-schema.ts';
import type { OmoiSettings } from './omoi-settings.ts';

/** An integration with the place at which it stands. */
export interface PlacedIntegration extends ConfiguredIntegration {
  readonly path: Path;
}

export interface ReceiverReader {
  readonly findings: Findings;
  readonly kinds: readonly ReceiverKind[];
  /** Null where `global` has mistakes: what depends on it is not said then. */
  readonly global: GlobalSettings | null;
  readonly omoi: OmoiSettings;
  /** Of `x-omoi.on_call`, also of what has mistakes there. */
  readonly schedules: NameSet;
}

interface ReceiverHead {
  readonly name: string;
  readonly labels: Labels;
}

export interface ReadReceivers {
  readonly receivers: ReadonlyMap<string, ConfiguredReceiver>;
  readonly integrations: readonly PlacedIntegration[];
}

/** @param written the `receivers` of a file */
export function readReceivers(written: unknown, reader: ReceiverReader): ReadReceivers {
  const { findings } = reader;
  const receivers = new Map<string, ConfiguredReceiver>();
  const integrations: PlacedIntegration[] = [];
  itemsOf(written).forEach((item, index) => {
    const path = ['receivers', index];
    if (item !== null && !isMapping(item)) return;
    const head = headOf(item ?? {});
    if (head === null) return;
    const { name } = head;
    if (name === '') {
      findings.problem(path, 'missing name in receiver');
      return;
    }
    if (receivers.has(name)) {
      findings.problem([...path, 'name'], `notification config name "${name}" is not unique`);
    }
    const own = readIntegrations(item ?? {}, path, reader);
    integrations.push(...own);
    receivers.set(name, {
      name,
      labels: labelsOf(head, path, findings),
      integrations: own.map(({ kind, index: at, settings }) => ({ kind, index: at, settings })),
      omoi: readExtras(item ?? {}, path, reader),
    });
  });
  return { receivers, integrations };
}

/** Of a receiver whose labels are wrong the name is known all the same. */
function headOf(item: Readonly<Record<string, unknown>>): ReceiverHead | null {
  const { name, labels } = receiverHeadSchema.shape;
  const read = name.safeParse(item['name']);
  return read.success ? { name: read.data, labels: labels.safeParse(item['labels']).data ?? {} } : null;
}

function labelsOf(head: ReceiverHead, path: Path, findings: Findings): Labels {
  const labels = copyLabels(head.labels);
  const written = Object.hasOwn(labels, 'name') ? labels['name'] : undefined;
  if (written !== undefined && written !== head.name) {
    findings.problem(
      [...path, 'labels', 'name'],
      `receiver label "name" must match receiver name "${head.name}", got "${written}"`,
    );
  }
  labels['name'] = head.name;
  return labels;
}

function readExtras(
  item: Readonly<Record<string, unknown>>,
  path: Path,
  { findings, schedules }: ReceiverReader,
) {
  const extras = receiverExtras(receiverExtrasSchema.safeParse(item['x-omoi']).data);
  if (extras.onCall !== null) {
    findings.reference([...path, 'x-omoi', 'on_call'], {
      what: 'on-call schedule',
      name: extras.onCall,
      known: schedules,
    });
  }
  return extras;
}

function readIntegrations(
  item: Readonly<Record<string, unknown>>,
  path: Path,
  reader: ReceiverReader,
): readonly PlacedIntegration[] {
  const extras = isMapping(item['x-omoi']) ? item['x-omoi'] : {};
  return reader.kinds.flatMap((kind) => {
    const isOwn = isOmoiKind(kind);
    const listPath = isOwn ? [...path, 'x-omoi', kind.key] : [...path, kind.key];
    return itemsOf((isOwn ? extras : item)[kind.key]).flatMap((written, index) => {
      const at = [...listPath, index];
      const settings = readSettings(written, { kind, path: at }, reader);
      return settings === null ? [] : [{ kind, index, settings: settings.completed, path: at }];
    });
  });
}

/** Null where they have mistakes. */
function readSettings(
  written: unknown,
  { kind, path }: { readonly kind: ReceiverKind; readonly path: Path },
  { findings, global, omoi }: ReceiverReader,
): { readonly completed: unknown } | null {
  if (written === null) {
    findings.problem(path, `missing ${kind.type} config`);
    return null;
  }
  const shape = kind.settings.safeParse(written);
  if (!shape.success || global === null) return null;
  const completed = kind.complete(shape.data, global, omoi);
  if ('settings' in completed) return { completed: completed.settings };
  for (const { path: within, message } of completed.problems) findings.problem([...path, ...within], message);
  return null;
}
