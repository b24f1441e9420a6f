import { Button } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { Alert } from '../api/wire.ts';
import { byUrgency, describeAlert, firstDescribed } from '../domain/alert-text.ts';
import { formatAge, formatAgo, formatDuration } from '../domain/age.ts';
import { number } from '../domain/count.ts';
import { words } from '../domain/event-sentence.ts';
import { foldedAlerts } from '../domain/folded-alerts.ts';
import { firingShown, type FiringShown } from '../domain/firing-shown.ts';
import { severityTone } from '../domain/tone.ts';
import type { Firing } from '../hooks/use-firing.ts';
import { useNow } from '../hooks/use-now.ts';
import type { Selection } from '../hooks/use-selection.ts';
import { AlertBulk, SelectAll } from './alert-bulk.tsx';
import styles from './alerts-panel.module.css';
import { InBlocks } from './in-blocks.tsx';
import { MarkedText } from './marked-text.tsx';
import { More } from './more.tsx';
import { Panel } from './panel.tsx';
import { RequestButton } from './request-button.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { SilenceButton } from './silence-button.tsx';
import { ToneDot, ToneLabel } from './tone-dot.tsx';
import { TraceLink } from './trace-link.tsx';

export interface AlertsPanelProps {
  readonly firing: Firing;
  readonly resolved: UseQueryResult<readonly Alert[]>;
  /** Whether whoever is logged in may acknowledge. */
  readonly mayHandle: boolean;
  /** Shows more of what fires. */
  readonly onMore: () => void;
  /** Whether it stands among much else on a small page: then what an alert's own page says is left to that. */
  readonly isShort?: boolean;
  /** Whether the first few alerts of a rule stand for many of it. */
  readonly foldsRules?: boolean;
  /** Above the list: what chooses other alerts. */
  readonly filters?: ReactNode;
  /** Where alerts can be selected. */
  readonly selection?: Selection;
}

/** What fires, the most urgent first, and how what fired lately ended. */
export function AlertsPanel({
  firing,
  resolved,
  mayHandle,
  onMore,
  isShort = false,
  foldsRules = false,
  filters,
  selection,
}: AlertsPanelProps) {
  const nowMs = useNow();
  // Before it is known nothing has been read either.
  const counted = firing.counted ?? 0;
  return (
    <Panel title="Alerts" note={counted > 0 ? `${number(counted)} firing` : undefined}>
      {filters}
      <QueryView query={firing.alerts} placeholderLines={3}>
        {(alerts) => (
          <FiringList
            shown={firingShown(counted, alerts)}
            mayHandle={mayHandle}
            nowMs={nowMs}
            isShort={isShort}
            foldsRules={foldsRules}
            onMore={onMore}
            {...(selection && { selection })}
          />
        )}
      </QueryView>
      {resolved.data !== undefined && resolved.data.length > 0 && (
        <>
          <h3 className={styles.subtitle}>Resolved lately</h3>
          <ul className={styles.resolved}>
            {resolved.data.slice(0, isShort ? SHORT_RESOLVED : undefined).map((alert) => (
              <li key={alert.id}>
                <ResolvedAlert alert={alert} nowMs={nowMs} />
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

/** Of what has ended, where it is short. */
const SHORT_RESOLVED = 2;
const NONE: ReadonlySet<string> = new Set();

interface FiringListProps {
  readonly shown: FiringShown<Alert>;
  readonly mayHandle: boolean;
  readonly nowMs: number;
  readonly isShort: boolean;
  readonly foldsRules: boolean;
  readonly onMore: () => void;
  readonly selection?: Selection;
}

function FiringList(props: FiringListProps) {
  const { shown, mayHandle, nowMs, isShort, foldsRules, onMore, selection } = props;
  const [open, setOpen] = useState(NONE);
  if (shown.kind === 'nothing') return <Nothing>Nothing fires.</Nothing>;
  if (shown.kind === 'awaited') return <Nothing>Being read.</Nothing>;
  const { total } = shown;
  const alerts = shown.alerts.toSorted(byUrgency);
  const described = isShort ? NONE : firstDescribed(alerts);
  const rows = foldsRules
    ? foldedAlerts(alerts, open)
    : alerts.map((alert) => ({ kind: 'alert', alert }) as const);
  const selected = alerts.filter(({ id }) => selection?.ids.has(id));
  return (
    <>
      {selection && selected.length > 0 && <AlertBulk alerts={selected} onClear={selection.clear} />}
      {selection && selected.length === 0 && <SelectAll alerts={alerts} onSelect={selection.choose} />}
      <div className={styles.blocks}>
        <InBlocks
          rows={rows}
          keyOf={(row) => (row.kind === 'alert' ? row.alert.id : row.ruleId)}
          render={(row) =>
            row.kind === 'alert' ? (
              <FiringAlert
                {...{ alert: row.alert, mayHandle, nowMs, isShort }}
                isDescribed={described.has(row.alert.id)}
                {...(selection && { selection })}
              />
            ) : (
              <OthersOfRule {...row} onOpen={() => setOpen(new Set([...open, row.ruleId]))} />
            )
          }
          className={styles.alerts}
          perBlock={20}
          blockHeight={2200}
        />
      </div>
      {total > alerts.length && (
        <More shown={alerts.length} total={total} what="alerts, the most urgent first" onMore={onMore} />
      )}
    </>
  );
}

interface OthersOfRuleProps {
  readonly ruleId: string;
  readonly others: number;
  readonly onOpen: () => void;
}

/** What stands for the alerts of a rule that are left out. */
function OthersOfRule({ ruleId, others, onOpen }: OthersOfRuleProps) {
  const rule = ruleId.slice(ruleId.indexOf('/') + 1);
  return (
    <p className={styles.others}>
      <span>
        {number(others)} more of {rule}
      </span>
      <Button size="compact-xs" variant="default" onClick={onOpen} aria-label={`Show all of ${rule}`}>
        Show
      </Button>
    </p>
  );
}

interface FiringAlertProps {
  readonly alert: Alert;
  readonly mayHandle: boolean;
  readonly nowMs: number;
  readonly isShort: boolean;
  readonly isDescribed: boolean;
  /** Where it can be selected, and silenced. */
  readonly selection?: Selection;
}

/** One alert that fires. */
export function FiringAlert(props: FiringAlertProps) {
  const { alert, mayHandle, nowMs, isShort, isDescribed, selection } = props;
  const { name, subject, summary, description, labels } = describeAlert(alert);
  const tone = severityTone(alert.severity);
  return (
    <div className={styles.alert} data-tone={tone} data-row>
      <div className={styles.head}>
        {selection && (
          <input
            type="checkbox"
            className={styles.select}
            data-key="x"
            aria-label={`Select ${subject === null ? name : `${name} of ${subject}`}`}
            checked={selection.ids.has(alert.id)}
            onChange={() => selection.toggle(alert.id)}
          />
        )}
        <ToneLabel tone={tone}>{alert.severity}</ToneLabel>
        {alert.maintenance_id !== null && <ToneLabel tone="caution">maintenance</ToneLabel>}
        <Link className={styles.name} to="/alerts/$alertId" params={{ alertId: alert.id }}>
          {name} {subject !== null && <span className={styles.subject}>{subject}</span>}
        </Link>
        <span className={styles.age}>
          <span className="visually-hidden">firing for </span>
          {formatAge(Date.parse(alert.fired_at), nowMs)}
        </span>
      </div>
      {summary !== null && (
        <p className={styles.summary}>
          <MarkedText>{summary}</MarkedText>
        </p>
      )}
      {description !== null && isDescribed && (
        <p className={styles.description}>
          <MarkedText>{description}</MarkedText>
        </p>
      )}
      {labels.length > 0 && !isShort && <p className={styles.labels}>{labels.join('  ')}</p>}
      {alert.evaluation_error !== null && (
        <p className={styles.summary}>Its rule cannot be evaluated now: {alert.evaluation_error}</p>
      )}
      <div className={styles.foot}>
        <span className={styles.acts}>
          <Acknowledgement alert={alert} name={name} mayHandle={mayHandle} />
          {selection && <SilenceButton of={name} subject={{ kind: 'alerts', alerts: [alert] }} />}
        </span>
        <TraceLink traceId={alert.trace_id} of={name} />
      </div>
    </div>
  );
}

interface AcknowledgementProps {
  readonly alert: Alert;
  readonly name: string;
  readonly mayHandle: boolean;
}

function Acknowledgement({ alert, name, mayHandle }: AcknowledgementProps) {
  if (alert.acknowledged_by !== null) {
    return <span className={styles.seen}>Acknowledged by {alert.acknowledged_by}</span>;
  }
  if (!mayHandle) return <span className={styles.seen}>Not acknowledged</span>;
  return (
    <RequestButton
      path={`/api/v1/alerts/${encodeURIComponent(alert.id)}/acknowledge`}
      label="Acknowledge"
      describes={`Acknowledge ${name}`}
      changes={['alerts']}
      shortcut="a"
    />
  );
}

/** How one alert ended, in a line. */
export function ResolvedAlert({ alert, nowMs }: { readonly alert: Alert; readonly nowMs: number }) {
  const { name, subject } = describeAlert(alert);
  const endedMs = Date.parse(alert.resolved_at ?? alert.updated_at);
  const cause = alert.cause ?? 'unknown';
  const well = cause === 'recovered' || cause === 'remediated';
  return (
    <div className={styles.past} data-row>
      <ToneDot tone={well ? 'good' : 'caution'} />
      <Link className={styles.pastName} to="/alerts/$alertId" params={{ alertId: alert.id }}>
        {name} {subject !== null && <span className={styles.subject}>{subject}</span>}
      </Link>
      <span className={styles.pastCause}>{words(cause)}</span>
      <span className={styles.pastTime}>
        after {formatDuration(endedMs - Date.parse(alert.fired_at))}, {formatAgo(endedMs, nowMs)}
      </span>
      <TraceLink traceId={alert.trace_id} of={name} />
    </div>
  );
}
