import type { Silence, Silences, SilenceState } from '#notification';
import type { Clock, Matcher } from '#telemetry';
import type { AlertmanagerView, PostedAlerts } from './alertmanager-view.ts';

export interface AlertmanagerParts {
  readonly view: AlertmanagerView;
  readonly posted: PostedAlerts;
  readonly silences: Pick<Silences, 'list' | 'listEnded' | 'get' | 'set' | 'expire'>;
  readonly language: AlertmanagerLanguage;
  readonly clock: Clock;
  /** Of Omoi. */
  readonly version: string;
}

/** What notification knows of its words. */
export interface AlertmanagerLanguage {
  /** @throws Error with the place of the mistake */
  readonly parseMatcher: (text: string) => Matcher;
  readonly isLabelName: (name: string) => boolean;
  readonly silenceStateAt: (silence: Silence, wallMs: number) => SilenceState;
}
