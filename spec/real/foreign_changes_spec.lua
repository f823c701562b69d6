-- Others change a real guest with virsh, at each step of each workflow: nothing of theirs is deleted, undone or overtaken, no file that anybody
-- needs is gone, and what the workflow says of the end is what is found.
--
-- Each moment gets some of the acts in turn, so that each workflow gets all of them; FOREIGN_ACTS=all: each moment gets all, in half an hour.

local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

-- The second list's leave a guest that has to be made again.
local QUICK = { "snapshot", "pivot", "undefine", "metadata", "abort", "blockresize" }
local SLOW = { "internal", "detach", "destroy", "rename", "restart", "gone" }
-- What a workflow that fails for it says to be others' doing.
local SEEN = { snapshot = true, undefine = true, metadata = true, internal = true, detach = true, destroy = true, rename = true, restart = true,
  gone = true }
local turns = { [QUICK] = 0, [SLOW] = 0 }

-- Adds the next ones of a list to those of a moment.
local function take(acts, list, count)
  for _ = 1, count do
    turns[list] = turns[list] % #list + 1
    acts[#acts + 1] = list[turns[list]]
  end
end

local function acts_of_moment()
  local all, acts = os.getenv("FOREIGN_ACTS") == "all", {}
  take(acts, QUICK, all and #QUICK or 2)
  take(acts, SLOW, all and #SLOW or 1)
  return acts
end

-- By the workflow's name: the moments, and what is run. at: what "during" calls.
local DISK = {
  snapshot_then_commit = {
    moments = { "write_file:after#1", "make_image:after", "snapshot:before", "snapshot:after", "during", "commit:before", "commit:after",
      "abort_job:before", "abort_job:after", "remove_image:before" },
    run = function(others, at)
      return workflow.snapshot_then_commit(others.machine.guest, { during = function()
        at()
      end })
    end,
  },
  live_snapshot = {
    moments = { "make_image:after", "copy:before", "copy:after", "abort_job:before", "abort_job:after" },
    result = true,
    run = function(others)
      return workflow.live_snapshot(others.machine.guest, "vda", others:copy(), { timeout = 60 })
    end,
  },
  swap_volume = {
    moments = { "make_image:after", "copy:before", "copy:after", "abort_job:before", "abort_job:after", "resize:before" },
    run = function(others)
      local guest = others.machine.guest
      return workflow.swap_volume(guest, "vda",
        ("<disk type='file'><driver type='qcow2'/><source file='%s'/></disk>"):format(others:copy()), {
          resize_to = guest:get_block_device("vda"):get_block_info().capacity + (1 << 20) })
    end,
  },
  volume_snapshot_create = {
    moments = { "write_file:after#1", "snapshot:before", "snapshot:after" },
    prepare = function(others)
      assert(0 == helper.run(("qemu-img create -q -f qcow2 -b %s -F qcow2 %s"):format(others.machine:chain()[1], others:copy())))
    end,
    run = function(others)
      return workflow.volume_snapshot_create(others.machine.guest, "vda", { new_file = others:copy() })
    end,
  },
  backup = {
    moments = { "write_file:after#1", "backup_begin:before", "backup_begin:after", "freeze_filesystems:before", "thaw_filesystems:after" },
    run = function(others)
      return workflow.backup(others.machine.guest, { to = others.machine.root .. "/backup" })
    end,
  },
  volume_snapshot_delete = {
    moments = { "write_file:after#1", "rebase:before", "rebase:after" },
    prepare = function(others)
      others.machine.guest:snapshot(guestlua.element("domainsnapshot", { disks = { disk = { name = "vda", snapshot = "external",
        source = { file = others:copy() } } } }), { disk_only = true, no_metadata = true })
    end,
    run = function(others)
      return workflow.volume_snapshot_delete(others.machine.guest, "vda", {})
    end,
  },
}

local function take_ours(others)
  others.whole = false
  others.machine.guest:snapshot(guestlua.element("domainsnapshot", { name = { "ours" }, disks = { disk = { name = "vda", snapshot = "external",
    source = { file = others:copy() } } } }), { disk_only = true })
end

DISK.snapshot_revert = {
  moments = { "write_file:after#1", "make_image:after", "poweroff:before", "poweroff:after", "snapshot:before", "launch:before", "launch:after",
    "remove_image:before" },
  boots = true,
  removes = true,
  made = function(result) return result.disks[1].image end,
  prepare = take_ours,
  run = function(others)
    return workflow.snapshot_revert(others.machine.guest, { name = "ours", force = true })
  end,
}

DISK.snapshot_delete = {
  moments = { "write_file:after#1", "commit:before", "commit:after", "abort_job:before", "abort_job:after", "remove_image:before" },
  removes = true,
  prepare = take_ours,
  run = function(others)
    return workflow.snapshot_delete(others.machine.guest, { name = "ours" })
  end,
}

local ORDER = { "backup", "snapshot_revert", "snapshot_delete",
  "snapshot_then_commit", "live_snapshot", "swap_volume", "volume_snapshot_create", "volume_snapshot_delete" }

describe("While somebody else changes a guest with virsh", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  for _, name in ipairs(ORDER) do
    local spec = DISK[name]
    for _, moment in ipairs(spec.moments) do
      it_(("%s stays safe at %s"):format(name, moment), function()
        local bad = {}
        for _, act in ipairs(acts_of_moment()) do
          others:reset()
          others.number = others.number + 1
          if spec.prepare then
            spec.prepare(others)
          end
          others.number = others.number - 1
          local how = others:during(moment, act, function(at)
            return spec.run(others, at)
          end)
          how.boots = spec.boots
          local made = how.ok and (spec.made and spec.made(how.result) or others:copy())
          local ok, e = pcall(others.check, others, how, { result = made, removed = spec.removes and others:copy() })
          if ok then
            ok, e = pcall(others.check_outcome, others, how)
          end
          if ok and how.code == 0 and how.error and SEEN[act] and how.error.kind ~= "conflict" then
            ok, e = pcall(foreign.fail, how, "the error is none of others' doing")
          end
          if os.getenv("VERBOSE") then
            local err = how.error or {}
            print(name, moment, act, how.code, err.kind, err.message, err.outcome, ok and "" or "BAD")
          end
          if not ok then
            others.whole = false
            bad[#bad + 1] = e
          end
        end
        assert(#bad == 0, table.concat(bad, "\n"))
      end)
    end
  end
end)
