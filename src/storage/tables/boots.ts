export interface BootTables {
  /** The boots in which the state was worked on, in their order: when each took it up, on both clocks. */
  state_boots: {
    boot_no: number;
    boot_id: string;
    boot_ms: number;
    wall_ms: number;
  };
}
