-- Snapshot and Checkpoint.
return {
  {
    class = "Snapshot",
    rows = {
      virDomainRevertToSnapshot = { "change", "Puts the guest back into the state of the snapshot.", name = "revert", slow = true },
      virDomainSnapshotDelete = { "change", "Deletes the snapshot; children: with all that were taken after it.", slow = true },
      virDomainSnapshotGetXMLDesc = { "look", "The snapshot's description, as XML." },
      virDomainSnapshotGetParent = { "look", "The snapshot that this one was taken after; nil if there is none." },
      virDomainSnapshotListAllChildren = { "look", "Lists the snapshots that were taken after this one. snapshot:children() is the same.",
      as = { "children", "Lists the snapshots that were taken after this one." } },
      virDomainSnapshotIsCurrent = { "look", "Whether it is the guest's current snapshot: the one that was taken, or reverted to, last." },
      virDomainSnapshotHasMetadata = { "look", "Whether libvirt remembers the snapshot by itself, and not only the hypervisor." },
    },
    hand = { virDomainSnapshotGetName = "Snapshot.name" },
    superseded = { virDomainSnapshotListChildrenNames = "virDomainSnapshotListAllChildren",
      virDomainSnapshotNumChildren = "virDomainSnapshotListAllChildren" },
    infrastructure = { "virDomainSnapshotFree", "virDomainSnapshotRef", "virDomainSnapshotGetConnect", "virDomainSnapshotGetDomain" },
  },
  {
    class = "Checkpoint",
    rows = {
      virDomainCheckpointDelete = { "change", "Deletes the checkpoint, and merges its bitmap into the one before." },
      virDomainCheckpointGetXMLDesc = { "look", "The checkpoint's description, as XML." },
      virDomainCheckpointGetParent = { "look", "The checkpoint that this one was made after; nil if there is none." },
      virDomainCheckpointListAllChildren = { "look", "Lists the checkpoints that were made after this one. checkpoint:children() is the same.",
      as = { "children", "Lists the checkpoints that were made after this one." } },
    },
    hand = { virDomainCheckpointGetName = "Checkpoint.name" },
    infrastructure = { "virDomainCheckpointFree", "virDomainCheckpointRef", "virDomainCheckpointGetConnect", "virDomainCheckpointGetDomain" },
  },
}
