import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { overviewQuery, queueHistoryQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { finishedTasksQuery, tasksQuery } from '../api/task-queries.ts';
import { EnqueuePanel } from '../components/enqueue-panel.tsx';
import { FilterChips } from '../components/filter-chips.tsx';
import { More } from '../components/more.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { QueuePanel } from '../components/queue-panel.tsx';
import rows from '../components/rows.module.css';
import { ServerWarnings } from '../components/server-warnings.tsx';
import { TaskRows } from '../components/task-rows.tsx';
import { number } from '../domain/count.ts';
import { phaseName, PHASES, waitingNow } from '../domain/queue-history.ts';
import { TASK_CHOICES, type TaskFilter } from '../domain/task-filter.ts';
import { warningsOfTasks } from '../domain/task-warnings.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './columns.module.css';

/** What waits, what is worked on, what a person has to decide about, and what was done lately. */
export function TasksPage() {
  const { client } = useServer();
  const { range } = useView().search;
  const { state = 'waiting', phase } = useSearch({ from: '/inside/tasks' });
  const mayHandle = useMayHandle();
  const overview = useQuery(overviewQuery(client));
  const leadSeconds = overview.data?.sample_clock_lead_seconds ?? 0;
  const history = useQuery(queueHistoryQuery(client, range, leadSeconds));
  const known = history.data ? [...history.data.phases.keys()] : [];
  const phases = ['any', ...new Set([...known, ...(phase === undefined ? [] : [phase])])];
  return (
    <>
      <PageTitle note={history.data && `${number(waitingNow(history.data))} waiting`}>Tasks</PageTitle>
      <div className={styles.told}>
        <ServerWarnings warnings={warningsOfTasks(overview.data?.warnings ?? [])} />
      </div>
      <div className={styles.columns}>
        <div className={styles.column}>
          <Panel title="Tasks">
            <div className={rows.filters}>
              <FilterChips
                label="Which tasks"
                choices={TASK_CHOICES}
                chosen={state}
                name={(choice) => CHOICE_NAMES[choice]}
                searchOf={(choice) => ({ state: choice === 'waiting' ? undefined : choice })}
              />
              {phases.length > 2 && (
                <FilterChips
                  label="In which phase"
                  choices={phases.toSorted((a, b) => PHASES.indexOf(a) - PHASES.indexOf(b))}
                  chosen={phase ?? 'any'}
                  name={(one) => (one === 'any' ? 'any phase' : phaseName(one))}
                  searchOf={(one) => ({ phase: one === 'any' ? undefined : one })}
                />
              )}
            </div>
            {state === 'finished' ? (
              <Finished key={`finished ${phase}`} phase={phase} />
            ) : (
              <Unfinished
                key={`${state} ${phase}`}
                filter={{ state, ...(phase === undefined ? {} : { phase }) }}
              />
            )}
          </Panel>
        </div>
        <div className={styles.column}>
          <QueuePanel history={history} range={range} />
          {mayHandle ? (
            <EnqueuePanel />
          ) : (
            <Panel title="Enqueue a task">
              <Nothing>An operator may enqueue, retry and cancel tasks; you may look.</Nothing>
            </Panel>
          )}
        </div>
      </div>
    </>
  );
}

/** As the rows below and the command line call their states. */
const CHOICE_NAMES = {
  waiting: 'queued',
  running: 'claimed',
  parked: 'parked',
  finished: 'finished',
} as const;

const NOTHING = {
  waiting: 'No task waits.',
  running: 'No task is worked on.',
  parked: 'No task waits for a person.',
  finished: '',
} as const;

function Unfinished({ filter }: { readonly filter: TaskFilter }) {
  const { client } = useServer();
  const size = usePageSize(50);
  const query = useQuery(tasksQuery(client, filter, size.rows));
  return (
    <QueryView query={query} placeholderLines={6}>
      {({ tasks, isWhole }) => (
        <>
          {tasks.length === 0 ? <Nothing>{NOTHING[filter.state]}</Nothing> : <TaskRows tasks={tasks} />}
          {!isWhole && (
            <More
              shown={tasks.length}
              total={null}
              what="tasks, the longest enqueued first"
              onMore={size.more}
            />
          )}
        </>
      )}
    </QueryView>
  );
}

function Finished({ phase }: { readonly phase: string | undefined }) {
  const { client } = useServer();
  const size = usePageSize(50);
  const query = useQuery(finishedTasksQuery(client, phase, size.rows));
  return (
    <QueryView query={query} placeholderLines={6}>
      {({ tasks, isWhole }) => (
        <>
          {tasks.length === 0 ? (
            <Nothing>No task that ended is remembered.</Nothing>
          ) : (
            <TaskRows tasks={tasks} label="Tasks that ended, the newest first" />
          )}
          {!isWhole && (
            <More
              shown={tasks.length}
              total={null}
              what="tasks that ended, the newest first"
              onMore={size.more}
            />
          )}
        </>
      )}
    </QueryView>
  );
}
