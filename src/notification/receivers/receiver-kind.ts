import type { z } from 'zod';
import type { Clock, Random, SharedStretch } from '#telemetry';
import type { GlobalSettings } from '../configuration/global-settings.ts';
import type { OmoiSettings } from '../configuration/omoi-settings.ts';
import type { MessageTemplates } from '../templates/message-templates.ts';
import type { Programs } from './command/programs.ts';
import type { CheckedNetwork } from './http/checked-lookup.ts';
import type { HttpClient } from './http/http-client.ts';
import type { Integration } from './integration.ts';

/** What receivers are reached with. */
export interface ReceiverMeans {
  readonly clock: Clock;
  readonly random: Random;
  /** Calls where the configuration says, but not addresses that are blocked. */
  readonly http: HttpClient;
  /** For connections that are not HTTP: the same addresses are blocked. */
  readonly network: CheckedNetwork;
  /** Reads a secret that stands in a file, at each message. @throws OmoiError `secret_unreadable` naming the file */
  readonly readSecret: (path: string) => Promise<string>;
  /** Starts the programs of `command_configs`; absent where none may be started. */
  readonly programs?: Programs;
}

/** What integrations are made with. */
export interface IntegrationTools extends ReceiverMeans {
  readonly templates: MessageTemplates;
  /** What all messages that are being written take of a turn of the event loop, together. */
  readonly writing: SharedStretch;
}

/** A mistake that only shows when several keys, or the global ones, are seen together. */
export interface SettingsProblem {
  /** The key it is about, within the integration. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A field that is a Go template, for the check of a configuration. */
export interface TemplatedField {
  readonly path: readonly (string | number)[];
  readonly text: string;
  /** Whether values are escaped as HTML where they stand in HTML. */
  readonly isHtml?: boolean;
}

/** A kind of integration: its key, its schema, and what makes one. A kind is a file or folder of `receivers/`. */
export interface ReceiverKind<Settings = unknown> {
  /** `webhook_configs` */
  readonly key: string;
  /** `webhook` */
  readonly type: string;
  /** Strict; keys as Alertmanager writes them, defaults filled in, `send_resolved` with the default of the kind. */
  readonly settings: z.ZodType<Settings>;
  /**
   * The keys that say whom its messages reach; beside them counts who calls by `http_config`. What messages look like, and how they are sent,
   * may change, and gain settings with a newer version: they reach the same people.
   */
  readonly addressKeys: readonly Extract<keyof Settings, string>[];
  /** Fills in what the configuration says globally and checks what depends on it, and on `x-omoi` where that is known. */
  readonly complete: (
    settings: Settings,
    global: GlobalSettings,
    omoi?: OmoiSettings,
  ) => { readonly settings: Settings } | { readonly problems: readonly SettingsProblem[] };
  /** Whether each group is an incident there, that is opened and closed: no digest can stand for its messages. */
  readonly opensIncidents?: true;
  readonly templatedFields: (settings: Settings) => readonly TemplatedField[];
  /** The mistake of what `x-omoi` at the top does not allow; null where it does. */
  readonly notAllowed?: (settings: Settings, omoi: OmoiSettings) => SettingsProblem | null;
  /** Absent where Omoi does not send to it yet: the configuration is read all the same. */
  readonly create?: (settings: Settings, index: number, tools: IntegrationTools) => Integration;
}
