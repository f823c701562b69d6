-- The journal's file system was full, as by a backup, when a process was killed that had frozen a guest. A recovery could not write into its lock
-- by whom it was held, and failed; the next one took its lock for another's. The guest stayed frozen.

local core = require("guestlua.core")
local faults = require("spec.support.faults")
local foreign = require("spec.support.foreign")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local CHILD = [[
  guestlua.journal({ dir = ... })
  local host <close> = guestlua.open()
  local frozen <close> = host:guest("tiny"):frozen()
  guestlua.sleep(600)
]]

describe("A guest that was frozen by a process that is killed when the journal is full", function()
  local machine, it_ = faults.machine({ journal = "journal" })
  local others = foreign.new(machine)

  it_("is thawed", function()
    if core.user() ~= 0 then
      return pending("only root can mount a file system")
    end
    machine:reset()
    local journal = machine.root .. "/journal"
    helper.sh("mkdir -p %s && mount -t tmpfs -o size=16k,mode=700 tmpfs %s", journal, journal)
    local mounted <close> = setmetatable({}, { __close = function() os.execute("umount -l " .. journal) end }) -- luacheck: ignore mounted
    local child <close> = faults.start(CHILD, { uri = machine.uri, args = { journal } })
    helper.await(function() return others:state_of_freeze() == "frozen" end, "a freeze")
    helper.run(("dd if=/dev/zero of=%s/theirs bs=1k count=100"):format(journal))
    child:kill("KILL")
    helper.await(function() return others:state_of_freeze() == "thawed" end, "a thaw")
    child:wait()
    helper.await(function() return #guestlua.recover(machine.host) == 0 end, "the end of the recovery")
  end)
end)
