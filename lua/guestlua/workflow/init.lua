-- guestlua.workflow: operations on guests in more than one step. Each finishes or takes back what it did, and says which. A module is loaded when it
-- is first used, so a script that uses none starts without them.

local define = require("guestlua.base.define")
local strict = require("guestlua.base.strict")
local workflow = require("guestlua.workflow.class")

local MODULES = {
  snapshot_then_commit = { "snapshot_then_commit" },
  live_snapshot = { "live_snapshot" },
  ["clone.clone"] = { "clone" },
  volume_snapshot = { "volume_snapshot_create", "volume_snapshot_delete" },
  ["snapshot.revert"] = { "snapshot_revert" },
  ["snapshot.delete"] = { "snapshot_delete" },
  swap_volume = { "swap_volume" },
  ["device.attach"] = { "attach_with_retry", "ensure_attached" },
  ["device.detach"] = { "detach_with_retry", "ensure_detached" },
  live_migrate = { "live_migrate" },
  ["migrate.offline"] = { "offline_migrate" },
  ["drain.drain"] = { "drain" },
  ["power.down"] = { "clean_shutdown", "ensure_stopped" },
  ["power.up"] = { "ensure_running" },
  ["power.reboot"] = { "reboot" },
  ["power.suspend"] = { "resume", "suspend" },
  ["guestlua.backup.backup"] = { "backup" },
  ["guestlua.backup.restore"] = { "restore" },
  ["guestlua.backup.backups"] = { "backups", "verify", "prune" },
}

local names = {}
for _, list in pairs(MODULES) do
  table.move(list, 1, #list, #names + 1, names)
end

return strict(define.lazy(workflow, "guestlua.workflow.", MODULES), "guestlua.workflow", names)
