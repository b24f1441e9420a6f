import type { Migration } from '../migration.ts';
import { events } from './001_events.ts';
import { tasks } from './002_tasks.ts';
import { agentRegistry } from './003_agent_registry.ts';
import { collaborationAndLocking } from './004_collaboration_and_locking.ts';
import { monitoringObservability } from './005_monitoring_observability/index.ts';
import { access } from './006_access.ts';
import { tsdb } from './007_tsdb.ts';
import { tsdbChunkEnds } from './008_tsdb_chunk_ends.ts';
import { tsdbChunkChecksums } from './009_tsdb_chunk_checksums.ts';
import { retentionAndSearch } from './010_retention_and_search.ts';
import { remediationHistory } from './011_remediation_history.ts';
import { alertingAtScale } from './012_alerting_at_scale.ts';
import { lanesAndUnits } from './013_lanes_and_units.ts';
import { lists } from './014_lists.ts';
import { spanTimes } from './015_span_times.ts';
import { deferredTasks } from './017_deferred_tasks.ts';
import { unfinishedTasks } from './019_unfinished_tasks.ts';
import { removedRules } from './023_removed_rules.ts';
import { unitStops } from './024_unit_stops.ts';
import { proofOfRepair } from './026_proof_of_repair.ts';
import { drains } from './027_drains.ts';
import { parkedTasks } from './028_parked_tasks.ts';
import { senders } from './029_senders.ts';
import { scopes } from './030_scopes.ts';
import { maintenanceAndRolls } from './031_maintenance_and_rolls.ts';
import { explainedEnds } from './035_explained_ends.ts';
import { toldToPeople } from './037_told_to_people.ts';
import { handoffs } from './038_handoffs.ts';
import { startWithin } from './039_start_within.ts';
import { lineageOrder } from './041_lineage_order.ts';
import { deadlines } from './042_deadlines.ts';
import { configuredSizes } from './044_configured_sizes.ts';
import { locksByHolder } from './045_locks_by_holder.ts';
import { rollTimes } from './050_roll_times.ts';
import { unitHosts } from './051_unit_hosts.ts';
import { stormDomains } from './052_storm_domains.ts';
import { givenUpAs } from './055_given_up_as.ts';
import { boots } from './058_boots.ts';
import { taskProgress } from './059_task_progress.ts';
import { goodbyes } from './060_goodbyes.ts';
import { processHeartbeats } from './061_process_heartbeats.ts';
import { lastOutputs } from './062_last_outputs.ts';
import { externalDrains } from './067_external_drains.ts';
import { finishedTasks } from './068_finished_tasks.ts';
import { notification } from './069_notification.ts';
import { silences } from './070_silences.ts';
import { postedAlerts } from './071_posted_alerts.ts';
import { alertHandling } from './072_alert_handling.ts';
import { heldAlerts } from './073_held_alerts.ts';
import { escalationAndOnCall } from './074_escalation_and_on_call.ts';
import { digests } from './076_digests.ts';
import { keptBackAlerts } from './077_kept_back_alerts.ts';
import { toldGroups } from './078_told_groups.ts';
import { addressesAndRecipients } from './079_addresses_and_recipients.ts';
import { loadedRules } from './053_loaded_rules.ts';

/** Every migration, in the order in which they are applied. A released one never changes. */
export const MIGRATIONS: readonly Migration[] = [
  events,
  tasks,
  agentRegistry,
  collaborationAndLocking,
  monitoringObservability,
  access,
  tsdb,
  tsdbChunkEnds,
  tsdbChunkChecksums,
  retentionAndSearch,
  remediationHistory,
  alertingAtScale,
  lanesAndUnits,
  lists,
  spanTimes,
  deferredTasks,
  unfinishedTasks,
  removedRules,
  unitStops,
  proofOfRepair,
  drains,
  parkedTasks,
  senders,
  scopes,
  maintenanceAndRolls,
  explainedEnds,
  toldToPeople,
  handoffs,
  startWithin,
  lineageOrder,
  deadlines,
  configuredSizes,
  locksByHolder,
  rollTimes,
  unitHosts,
  stormDomains,
  givenUpAs,
  loadedRules,
  boots,
  taskProgress,
  goodbyes,
  processHeartbeats,
  lastOutputs,
  externalDrains,
  finishedTasks,
  notification,
  silences,
  postedAlerts,
  alertHandling,
  heldAlerts,
  escalationAndOnCall,
  digests,
  keptBackAlerts,
  toldGroups,
  addressesAndRecipients,
];
