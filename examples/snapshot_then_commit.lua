#!/usr/bin/env guestlua
-- Puts an overlay on a running guest's disks, lets the guest write on, and merges the overlay back, so that each disk is one image again.
--
--   guestlua -c URI snapshot_then_commit.lua GUEST [DISK…]
--
-- DISK is a disk's target, as in vda; without any all disks are taken. Where the guest agent answers, the guest writes data before the snapshot and
-- after it and has its checksums looked at in the end, and its file systems are frozen for the moment of the snapshot. If a step fails, the chain is
-- put back as it was.

local name = ...
if not name then
  error("usage: guestlua -c URI snapshot_then_commit.lua GUEST [DISK…]", 0)
end

local host <close> = guestlua.open()
local guest = host:guest(name, { required = true })

local function say(...)
  io.stdout:write(string.format(...), "\n")
  io.stdout:flush()
end

-- ---- data in the guest, and its checksums ----

local agent = pcall(guest.agent_command, guest, '{"execute":"guest-ping"}', { agent_timeout = 5 })
local written = {} -- checksums by path

local function sh(command)
  local code, out, err = guest:exec("/bin/sh", { args = { "-c", command }, timeout = 120 })
  if code ~= 0 then
    error(("in the guest: %s: exit code %d: %s"):format(command, code, err), 0)
  end
  return out
end

local directory = agent and sh("[ -d /data ] && echo -n /data || echo -n /var/tmp")

local function checksum(path)
  return sh("sha256sum " .. path):match("^%x+")
end

local function write_data(file, mebibytes)
  if not agent then
    return
  end
  local path = directory .. "/guestlua-" .. file
  sh(("dd if=/dev/urandom of=%s bs=1M count=%d 2>/dev/null && sync"):format(path, mebibytes))
  written[path] = checksum(path)
  say("the guest wrote %d MiB to %s, sha256 %s…", mebibytes, path, written[path]:sub(1, 16))
end

local function check_data()
  if not agent then
    return
  end
  sh("sync; echo 3 > /proc/sys/vm/drop_caches") -- what is read now comes from the disk
  for path, sum in pairs(written) do
    if checksum(path) ~= sum then
      error(("%s in the guest is not what was written"):format(path), 0)
    end
    sh("rm " .. path)
  end
  say("both checksums hold in the guest")
end

-- ---- overlay, work, merge back ----

local terminal = guestlua.isatty(io.stderr)
local function progress(info)
  local percent = info.end_ > 0 and 100 * info.cur // info.end_ or 0
  io.stderr:write(("%scommit: %3d %% of %.1f MiB%s"):format(terminal and "\r" or "", percent, info.end_ / 2^20, terminal and "" or "\n"))
end

write_data("before", 8)

local result = guestlua.workflow.snapshot_then_commit(guest, {
  disks = select("#", ...) > 1 and { select(2, ...) } or nil,
  quiesce = agent,
  on_progress = progress,
  during = function(disks) -- what is below the overlays does not change now: the moment for a backup of it, or for an upgrade
    for _, disk in ipairs(disks) do
      say("snapshot%s: %s is %s <- %s", agent and ", with its file systems frozen" or "", disk.target, disk.overlay, disk.base)
    end
    write_data("after", 16)
  end,
})

if terminal then
  io.stderr:write("\n")
end
for _, disk in ipairs(result.disks) do
  say("one image again: %s is %s", disk.target, table.concat(disk.images, " <- "))
end
for _, file in ipairs(result.left or {}) do
  say("still there on the host: %s (%s)", file.path, file.why)
end
check_data()
