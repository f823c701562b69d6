#!/usr/bin/env guestlua
-- Moves a running guest to another host, shows how far it is, and says where the guest is in the end.
--
--   guestlua -c URI live_migrate.lua GUEST DESTINATION [BANDWIDTH [DESTINATION_URI]]
--
-- URI and DESTINATION are the two hosts as this machine reaches them, as in qemu+ssh://root@other/system. BANDWIDTH is in MiB/s; 0: no limit.
-- DESTINATION_URI is the destination as the first host's libvirt reaches it, where that is another address.
--
-- Ctrl-C aborts the migration, and the guest goes on where it was. What an earlier run left that was killed is put in order first.

local name, target, bandwidth, target_uri = ...
if not target then
  error("usage: guestlua -c URI live_migrate.lua GUEST DESTINATION [BANDWIDTH [DESTINATION_URI]]", 0)
end

local source <close> = guestlua.open()
local destination <close> = guestlua.open(target)

local function say(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

for _, left in ipairs(guestlua.recover(source)) do
  say("%s of guest %s was killed: %s", left.workflow, left.guest, left.outcome or left.problem)
end

local guest = source:guest(name) or error(("there is no guest '%s' on %s"):format(name, source.uri), 0)

local terminal = guestlua.isatty(io.stderr)
local function progress(info)
  io.stderr:write(("%s%3d %%, %.0f MiB to go, %.0f s%s"):format(terminal and "\r" or "", info.percent,
    (info.memory_remaining + info.disk_remaining) / 2^20, info.elapsed, terminal and "  " or "\n"))
end

local result = guestlua.workflow.live_migrate(guest, destination, {
  destination_uri = target_uri,
  bandwidth = math.tointeger(tonumber(bandwidth or 0)),
  unsafe = os.getenv("UNSAFE") == "1", -- libvirt cannot always tell that both hosts have the same disk
  timeout_action = "force_complete", -- where it takes too long the guest stands still until it is over
  on_progress = progress,
})
if terminal then
  io.stderr:write("\n")
end

if not result.arrived then
  return -- a dry run
end
say("guest %s runs on %s, after %.1f s", name, destination.hostname, result.seconds)
if result.stats then
  say("it stood still for %d ms", result.stats.downtime or 0)
end
if result.forced then
  say("the time was over: it was made to end by %s", result.forced)
end
for _, warning in ipairs(result.warnings) do
  say("warning: %s", warning)
end
