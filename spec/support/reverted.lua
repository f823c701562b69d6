-- A guest that is reverted to a snapshot, and a word on its disk that says whether it was. No boot is waited for, as one takes longer than all the
-- rest: the word is read from outside, and a guest that boots is replaced by one that has booted.
--
--   reverted.prepare(machine)    a machine of faults.lua: its guest runs, has the snapshot "s", and "now" on its disk
--   reverted.write(machine, w)   has another word there
--   reverted.word(machine)       what the image has that the guest has now: "then" or "now"

local helper = require("spec.support.helper")

local reverted = {}

local PING = '{"execute":"guest-ping"}'

-- With what the journal of the file system has in its place, as nobody replays it outside.
function reverted.write(machine, word)
  machine:sh(("echo %s >/data/word; sync; fsfreeze --freeze /data; fsfreeze --unfreeze /data"):format(word))
end

function reverted.prepare(machine)
  if not pcall(machine.guest.agent_command, machine.guest, PING) then
    machine:reset()
  end
  if #machine.guest:get_snapshot_names() == 0 then
    reverted.write(machine, "then")
    machine.guest:snapshot("<domainsnapshot><name>s</name></domainsnapshot>", { disk_only = true })
  end
  reverted.write(machine, "now")
end

function reverted.word(machine)
  local raw = machine.root .. "/raw"
  return helper.sh("qemu-img convert -U -O raw %s %s && PATH=$PATH:/sbin:/usr/sbin debugfs -R 'cat /word' %s 2>/dev/null; rm -f %s",
    machine:chain()[1], raw, raw, raw):match("%l+")
end

return reverted
